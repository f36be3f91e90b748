/** What can be done at HubSpot. Each action may be repeated with the same idempotency key without a second effect. */
import type { Action } from '../contract.ts'
import { linkActions } from './actions-links.ts'
import { marketingActions } from './actions-marketing.ts'
import { recordActions } from './actions-records.ts'
import { stageActions } from './actions-stages.ts'

export const actions: readonly Action[] = [
  ...stageActions,
  ...recordActions,
  ...linkActions,
  ...marketingActions,
]
