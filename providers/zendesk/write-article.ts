/**
 * Writing Help Center articles. Title, body and draft live in the translation, everything else in the article
 * (support.zendesk.com 4409408122522, read 2026-11-23). There are no version tokens and no keys: see README, "Writing".
 */
import type { JsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import type { ProviderContext, Row, Writer, Written } from '../contract.ts'
import { requireText } from './action-input.ts'
import { get, idText, textIn } from './answer.ts'
import { articlePath, findByTitle } from './article-by-title.ts'
import { examples } from './examples.ts'
import { articleOutward } from './outward.ts'
import { assertUnchanged, bodyFor, refuseField, writtenIn } from './write-body.ts'

/** Text without markup: Zendesk cleans the HTML that it is given, so only what is read can be compared. */
const plain = (html: string | undefined): string =>
  (html ?? '')
    .replace(/<[^>]*>|&[a-z#0-9]+;/gi, ' ')
    .replace(/\s+/g, ' ')
    .trim()

/**
 * The article that an earlier attempt made: same section, language, title and words. @throws HubError `Invalid` when the title is taken by
 * another article: which of the two was made by this write could not be told afterwards.
 */
async function findMade(
  context: ProviderContext,
  sectionId: string,
  fields: JsonObject,
): Promise<Written | undefined> {
  const readAt = context.now()
  const title = requireText(fields, 'title')
  const row = await findByTitle(context, sectionId, title, requireText(fields, 'locale'))
  if (!row) return undefined
  if (plain(textIn(row, 'body')) === plain(textIn(fields, 'body'))) return { row, readAt }
  const detail = 'is the title of another article of this section and language'
  throw new HubError('Invalid', `The title ${detail}. Change that article, or choose another title`, {
    fields: [{ pointer: '/title', detail }],
  })
}

async function create(context: ProviderContext, fields: JsonObject): Promise<Written> {
  // Who may edit it has no default that would be safe to guess.
  for (const name of ['section_id', 'permission_group_id'])
    if (idText(fields[name]) === undefined)
      throw new HubError('InvalidInput', `A new article needs "${name}"`, {
        fields: [{ pointer: `/${name}`, detail: 'is needed for a new article' }],
      })
  const sectionId = idText(fields['section_id']) ?? ''
  const made = await findMade(context, sectionId, fields)
  if (made) return made
  const { section_id: _section, ...article } = bodyFor(fields)
  const response = await context.call({
    method: 'POST',
    path: `/api/v2/help_center/sections/${encodeURIComponent(sectionId)}/articles`,
    group: 'help_center',
    // Without a segment everybody may read it, as in Zendesk's own examples; subscribers are not told of what is synced.
    body: { article: { user_segment_id: null, ...article }, notify_subscribers: false },
  })
  return writtenIn(response, 'article')
}

async function update(
  context: ProviderContext,
  id: string,
  fields: JsonObject,
  current: Row,
): Promise<Written> {
  refuseField(
    fields,
    'locale',
    'The language of an article cannot be changed; the action create_or_update_article adds a language',
  )
  const path = articlePath(id)
  const found = writtenIn(await get(context, 'help_center', path), 'article').row
  assertUnchanged(found, current)
  const { title, body, draft, ...article } = bodyFor(fields)
  const translation: JsonObject = {
    ...(title === undefined ? {} : { title }),
    ...(body === undefined ? {} : { body }),
    ...(draft === undefined ? {} : { draft }),
  }
  const put = (to: string, sent: JsonObject) =>
    context.call({ method: 'PUT', path: to, group: 'help_center', body: sent, repeatable: true })
  if (Object.keys(translation).length > 0)
    await put(`${path}/translations/${encodeURIComponent(requireText(found as JsonObject, 'locale'))}`, {
      translation,
    })
  if (Object.keys(article).length > 0) await put(path, { article })
  return writtenIn(await get(context, 'help_center', path), 'article')
}

export const articleWriter: Writer = {
  create: (context, fields) => create(context, fields),
  update,
  /** Archives it: it can be restored by hand, and is gone for readers and for the API. */
  async remove(context, id) {
    await context.call({
      method: 'DELETE',
      path: articlePath(id),
      group: 'help_center',
      repeatable: true,
      accept: [404],
    })
    return undefined
  },
  mapping: articleOutward,
  example: examples.articles,
}
