/** Help Center: sections (an ordinary list, read whole each time) and articles (a time-based export). */
import type { Position, ProviderContext, Resource, Row } from '../contract.ts'
import { bodyOf, get, idText, objectIn, positionText, timeIn } from './answer.ts'
import { articleMapping, sectionMapping } from './mapping.ts'
import { exportStart, readList, readTimeExport, type TimeExport } from './paging.ts'
import { articleSchema, sectionSchema } from './schemas.ts'
import { articleWriter } from './write-article.ts'

/** Help Center is not set up in this account (dust-tt/dust#10979): an empty read. A 403 is a missing right: a failure. */
const inactive = [404]

/**
 * Reads some objects again. Help Center has no `show_many`: a few pages of the list are looked through first (a small Help
 * Center is whole in one call), then each id not met there is asked for; what answers 404 is gone.
 */
function readAgain(path: string, key: string, listKey: string) {
  return async (
    context: ProviderContext,
    ids: readonly string[],
  ): Promise<{ rows: readonly Row[]; readAt: Date }> => {
    const readAt = context.now()
    const missing = new Set(ids)
    const rows: Row[] = []
    let after: string | undefined
    for (let page = 0; page < Math.floor(ids.length / 10) && missing.size > 0; page++) {
      const list = await readList(context, 'help_center', path, listKey, {}, after, inactive)
      rows.push(...list.rows.filter((row) => missing.delete(idText(row['id']) ?? '')))
      after = list.after
      if (after === undefined) break
    }
    for (const id of missing) {
      const response = await get(context, 'help_center', `${path}/${encodeURIComponent(id)}`, {}, [404])
      if (response.status !== 404) rows.push(objectIn(bodyOf(response, key), key))
    }
    return { rows, readAt }
  }
}

export const sections: Resource = {
  name: 'sections',
  title: 'Help Center sections',
  model: 'section',
  after: [],
  incremental: false,
  deletions: 'scan',
  schema: sectionSchema,
  volatile: [],
  start: () => ({}),
  async readPage(context, position) {
    const page = await readList(
      context,
      'help_center',
      '/api/v2/help_center/sections',
      'sections',
      {},
      positionText(position, 'after'),
      inactive,
    )
    const next: Position = page.after === undefined ? {} : { after: page.after }
    return { rows: page.rows, next, done: page.after === undefined, readAt: page.readAt }
  },
  externalId: (row) => idText(row['id']) ?? '',
  updatedAt: (row) => timeIn(row, 'updated_at'),
  getMany: readAgain('/api/v2/help_center/sections', 'section', 'sections'),
  mapping: sectionMapping,
}

const articleExport: TimeExport = {
  path: '/api/v2/help_center/incremental/articles',
  key: 'articles',
  group: 'help_center',
  inactive,
  list: { path: '/api/v2/help_center/articles', group: 'help_center' },
  // Unlike the Support exports this one does not say that it leaves out the last minute: the position stays behind it.
  settleSeconds: 60,
  // Its pages may be smaller than asked for, and nothing in the answer says so: the list is read once too often, not too rarely.
  crowdedRows: 30,
  secondOf(row) {
    const time = timeIn(row, 'updated_at')
    return time === undefined ? undefined : Math.floor(Date.parse(time) / 1000)
  },
}

export const articles: Resource = {
  name: 'articles',
  title: 'Help Center articles',
  model: 'article',
  after: ['sections'],
  incremental: true,
  // Deleted and archived articles are simply no longer listed.
  deletions: 'scan',
  schema: articleSchema,
  // Votes come and go without anybody editing the article.
  volatile: ['vote_sum', 'vote_count'],
  start: () => exportStart,
  readPage: (context, position) => readTimeExport(context, articleExport, position),
  externalId: (row) => idText(row['id']) ?? '',
  updatedAt: (row) => timeIn(row, 'updated_at'),
  getMany: readAgain('/api/v2/help_center/articles', 'article', 'articles'),
  mapping: articleMapping,
  write: articleWriter,
}
