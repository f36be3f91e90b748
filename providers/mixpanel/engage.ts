/** Profiles page by page: Mixpanel keeps the answer of a question for a while under a session id (docs: engage-query). */
import type { JsonObject } from '../../model/json.ts'
import { HubError, isHubError } from '../../platform/errors.ts'
import type { ProviderContext, Row } from '../contract.ts'
import { bodyOf, numberIn, rowsOf, textIn, type Fields } from './answer.ts'
import { postQuery } from './call.ts'
import { sessionPointer } from './errors.ts'

/** Where a question's pages stand; all left out before its first page. */
export interface EngagePlace extends JsonObject {
  page: number
  session: string
  /** How often Mixpanel had forgotten the session, and the pages began anew. */
  restarts: number
}

export interface EngagePage {
  readonly rows: readonly Row[]
  /** Undefined after the last page. */
  readonly next: EngagePlace | undefined
  readonly readAt: Date
}

const mostRestarts = 3

export function placeIn(position: Fields): EngagePlace | undefined {
  const page = numberIn(position, 'page')
  const session = textIn(position, 'session')
  return page === undefined || session === undefined
    ? undefined
    : { page, session, restarts: numberIn(position, 'restarts') ?? 0 }
}

/**
 * Reads the page at `place`, the first one without it. A page with fewer rows than its size is the last. When the session
 * is over, the question is asked anew from its first page: rows come twice, none is lost.
 */
export async function readEngage(
  context: ProviderContext,
  question: Readonly<Record<string, string>>,
  place: EngagePlace | undefined,
): Promise<EngagePage> {
  if (!place) return await ask(context, question, undefined, 0)
  try {
    return await ask(context, question, place, place.restarts)
  } catch (error) {
    if (!isSessionOver(error)) throw error
    if (place.restarts >= mostRestarts)
      throw new HubError(
        'Unavailable',
        'Mixpanel keeps forgetting the pages of profiles before they are read',
      )
    return await ask(context, question, undefined, place.restarts + 1)
  }
}

const isSessionOver = (error: unknown): boolean =>
  isHubError(error, 'Invalid') && error.fields.some(({ pointer }) => pointer === sessionPointer)

async function ask(
  context: ProviderContext,
  question: Readonly<Record<string, string>>,
  place: EngagePlace | undefined,
  restarts: number,
): Promise<EngagePage> {
  const response = await postQuery(context, '/engage', {
    ...question,
    ...(place ? { session_id: place.session, page: String(place.page) } : {}),
  })
  const body = bodyOf(response, 'profiles')
  const rows = rowsOf(body['results'], 'profiles')
  const page = numberIn(body, 'page') ?? place?.page ?? 0
  const session = textIn(body, 'session_id') ?? place?.session
  const isLast =
    rows.length === 0 || rows.length < (numberIn(body, 'page_size') ?? 1000) || session === undefined
  return {
    rows,
    next: isLast ? undefined : { page: page + 1, session, restarts },
    readAt: response.readAt,
  }
}
