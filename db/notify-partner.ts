/**
 * What a partner's people should hear of, not only its programs: written in the transaction in which it happens. Today it is told as an
 * event, which endpoints and the stream carry. A channel for people (mail) takes its notices here: either from what is passed, in the same
 * transaction, or from the stream by type.
 */
import type { HubEventType } from '../model/events.ts'
import type { JsonObject } from '../model/json.ts'
import type { Db } from './client.ts'
import { tellEvent } from './events.ts'

export interface PartnerNotice {
  readonly partnerId: string
  readonly type: HubEventType
  /** The id of what it is about. */
  readonly subject: string
  /** Ids, names, times: no secrets. */
  readonly data: JsonObject
}

export async function notifyPartner(tx: Db, notice: PartnerNotice): Promise<void> {
  await tellEvent(tx, notice)
}
