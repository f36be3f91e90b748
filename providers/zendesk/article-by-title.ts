/** Help Center knows neither idempotency keys nor external ids: an article is found again by section, language and title. */
import type { ProviderContext, Row } from '../contract.ts'
import { readList } from './paging.ts'

export const articlePath = (articleId: string): string =>
  `/api/v2/help_center/articles/${encodeURIComponent(articleId)}`

/** The article of this title in this section and language, if there is one: what makes creating repeatable. */
export async function findByTitle(
  context: ProviderContext,
  sectionId: string,
  title: string,
  locale: string,
): Promise<Row | undefined> {
  const path = `/api/v2/help_center/sections/${encodeURIComponent(sectionId)}/articles`
  let after: string | undefined
  do {
    const page = await readList(context, 'help_center', path, 'articles', {}, after)
    const found = page.rows.find(
      (row) => row['title'] === title && String(row['locale']).toLowerCase() === locale.toLowerCase(),
    )
    if (found) return found
    after = page.after
  } while (after !== undefined)
  return undefined
}
