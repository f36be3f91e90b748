/** How many of the day's calls are used. */
import type { ProviderContext } from '../contract.ts'
import { bodyOf, get, numberIn, objectsIn, timeIn } from './answer.ts'
import { paths } from './versions.ts'

export interface Usage {
  readonly used: number
  readonly limit: number
  readonly resetsAt: string | undefined
  readonly collectedAt: string | undefined
}

/**
 * `GET account-info/…/api-usage/daily/private-apps`: of all private apps together, up to five minutes old. Undefined where
 * there is no such count: OAuth apps have no daily limit.
 */
export async function readUsage(context: ProviderContext): Promise<Usage | undefined> {
  const response = await get(context, paths.apiUsage, {}, [400, 403, 404])
  if (response.status >= 400) return undefined
  for (const one of objectsIn(bodyOf(response, 'API usage'), 'results')) {
    const used = numberIn(one, 'currentUsage')
    const limit = numberIn(one, 'usageLimit')
    if (used !== undefined && limit !== undefined)
      return { used, limit, resetsAt: timeIn(one, 'resetsAt'), collectedAt: timeIn(one, 'collectedAt') }
  }
  return undefined
}
