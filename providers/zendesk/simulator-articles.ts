/** What the simulated Help Center does on writes of articles. */
import type { JsonObject } from '../../model/json.ts'
import type { SimulatorReply, SimulatorRequest } from '../../sandbox/kit.ts'
import { time } from './simulator-objects.ts'
import { json, notFound, origin, type Tables } from './simulator-reads.ts'
import { part, textOf, type Writer } from './simulator-writer.ts'

/** `POST /api/v2/help_center/sections/{id}/articles`. */
export function createArticle(world: Writer, request: SimulatorRequest, sectionId: number): SimulatorReply {
  const { articles, sections } = world.tables
  const wanted = part(request, 'article')
  if (!sections.has(sectionId) || sections.isDeleted(sectionId)) return notFound()
  if (!wanted || textOf(wanted['title']) === undefined)
    return json({ errors: { title: ['cannot be blank'] } }, 422)
  if (wanted['permission_group_id'] === undefined)
    return json({ errors: { permission_group_id: ['cannot be blank'] } }, 422)
  const at = world.tick()
  const id = articles.nextId()
  const template = articles.get(articles.living()[0] ?? 0) ?? {}
  const title = textOf(wanted['title']) ?? ''
  const article: JsonObject = {
    ...template,
    draft: false,
    label_names: [],
    body: '',
    ...wanted,
    id,
    name: title,
    title,
    section_id: sectionId,
    vote_sum: 0,
    vote_count: 0,
    url: `${origin}/api/v2/help_center/en-us/articles/${id}.json`,
    html_url: `${origin}/hc/en-us/articles/${id}`,
    created_at: time(at),
    updated_at: time(at),
    edited_at: time(at),
  }
  articles.put(id, article, at)
  return json({ article }, 201)
}

/** `PUT /api/v2/help_center/articles/{id}` changes everything but the text; the translation holds the text. */
export function updateArticle(
  world: Writer,
  request: SimulatorRequest,
  id: number,
  translation: boolean,
): SimulatorReply {
  const { articles } = world.tables
  const article = articles.get(id)
  const wanted = part(request, translation ? 'translation' : 'article')
  if (!article || articles.isDeleted(id)) return notFound()
  if (!wanted) return json({ errors: { base: ['is missing'] } }, 422)
  const at = world.tick()
  const { title, body, draft, ...rest } = wanted
  const text = {
    ...(title === undefined ? {} : { title, name: title }),
    ...(body === undefined ? {} : { body }),
    ...(draft === undefined ? {} : { draft }),
  }
  const changes = translation ? { ...text, edited_at: time(at) } : rest
  articles.put(id, { ...article, ...changes, id, updated_at: time(at) }, at)
  const changed = articles.get(id) ?? {}
  return json(translation ? { translation: translationOf(changed) } : { article: changed })
}

/** `GET /api/v2/help_center/articles/{id}/translations[/{locale}]`: the simulated account writes in one language. */
export function showTranslation(tables: Tables, id: number, locale?: string): SimulatorReply {
  const article = tables.articles.get(id)
  if (!article || tables.articles.isDeleted(id)) return notFound()
  if (locale === undefined) return json({ translations: [translationOf(article)] })
  return article['locale'] === locale ? json({ translation: translationOf(article) }) : notFound()
}

/** `DELETE /api/v2/help_center/articles/{id}`: archives; 204. */
export function deleteArticle(world: Writer, id: number): SimulatorReply {
  const { articles } = world.tables
  if (!articles.has(id) || articles.isDeleted(id)) return notFound()
  articles.remove(id, world.tick())
  return { status: 204 }
}

/** Title, body and draft of an article live in its translation. */
function translationOf(article: JsonObject): JsonObject {
  const id = Number(article['id'])
  return {
    id: 420_000_000_000 + id,
    url: `${origin}/api/v2/help_center/articles/${id}/translations/en-us.json`,
    html_url: article['html_url'] ?? null,
    source_id: id,
    source_type: 'Article',
    locale: article['locale'] ?? null,
    title: article['title'] ?? null,
    body: article['body'] ?? null,
    outdated: false,
    draft: article['draft'] ?? false,
    hidden: false,
    created_at: article['created_at'] ?? null,
    updated_at: article['updated_at'] ?? null,
    created_by_id: article['author_id'] ?? null,
    updated_by_id: article['author_id'] ?? null,
  }
}
