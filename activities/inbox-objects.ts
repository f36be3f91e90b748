/**
 * What the events of a batch say about objects, brought together: one reading per object, whether the webhooks carried it or the
 * provider is asked by id. Only the newest state of an object counts; which one that is, the store decides (`model/effect.ts`).
 */
import type { InboxEvent } from '../db/inbox.ts'
import { HubError, isHubError } from '../platform/errors.ts'
import type { ProviderContext, Resource, Row } from '../providers/contract.ts'
import type { HookEvent } from '../providers/contract-webhook.ts'
import type { StoredResource } from './prepare-page.ts'

/** Ids that a provider is asked for at once (contract of `getMany`). */
const idsPerCall = 100

/** Events of one object, oldest first. */
export interface ObjectEvents {
  readonly externalId: string
  readonly events: readonly { readonly event: InboxEvent; readonly told: HookEvent }[]
}

/** What is known of an object now, or why not. */
export type Finding =
  | { readonly kind: 'row'; readonly row: Row; readonly readAt: Date }
  | { readonly kind: 'gone'; readonly readAt: Date }
  /** The provider may not show it yet (or not hide it yet): to be looked at again. */
  | { readonly kind: 'unsettled'; readonly seen: Row | undefined; readonly readAt: Date }
  /** Nobody can read it: the provider's sync is not built, or has no reading by id. */
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'failed'; readonly error: HubError }

export type HookResource = StoredResource & Pick<Resource, 'getMany'>

/** By external id. @throws HubError for a failure that is the whole provider's (`isOfAll`). */
export async function findObjects(
  context: ProviderContext | undefined,
  resource: HookResource,
  objects: readonly ObjectEvents[],
): Promise<Map<string, Finding>> {
  const findings = new Map<string, Finding>()
  const asked: ObjectEvents[] = []
  for (const one of objects) {
    const carried = carriedBy(one)
    if (carried) findings.set(one.externalId, carried)
    else if (context && resource.getMany) asked.push(one)
    else findings.set(one.externalId, deletedBy(one) ?? { kind: 'unreadable' })
  }
  for (let at = 0; context && at < asked.length; at += idsPerCall)
    for (const [id, finding] of await ask(context, resource, asked.slice(at, at + idsPerCall)))
      findings.set(id, finding)
  return findings
}

type One = ObjectEvents['events'][number]

/** The newest state that the webhooks themselves carried. */
function carriedBy({ events }: ObjectEvents): Finding | undefined {
  const carried = events.filter(({ told }) => told.row !== undefined)
  if (carried.length === 0) return undefined
  const newest = events.reduce((best, one) => (isEarlier(one, best) ? best : one))
  if (newest.told.about === 'deleted') return { kind: 'gone', readAt: readAtOf(newest) }
  const last = carried.reduce((best, one) => (isEarlier(one, best) ? best : one))
  return last.told.row ? { kind: 'row', row: last.told.row, readAt: readAtOf(last) } : undefined
}

/** By the provider's clock, then by its count. */
function isEarlier(a: One, b: One): boolean {
  const moment = ({ event, told }: One) => (told.occurredAt ?? event.receivedAt).getTime()
  if (moment(a) !== moment(b)) return moment(a) < moment(b)
  return (a.told.sequence ?? 0) < (b.told.sequence ?? 0)
}

/** What a body says was so when it happened, at the latest when it came. */
const readAtOf = ({ event, told }: One): Date =>
  told.occurredAt && told.occurredAt < event.receivedAt ? told.occurredAt : event.receivedAt

/** Where nothing can be asked, the last word counts if it is a deletion. */
function deletedBy({ events }: ObjectEvents): Finding | undefined {
  const last = events.at(-1)
  return last?.told.about === 'deleted' ? { kind: 'gone', readAt: readAtOf(last) } : undefined
}

async function ask(
  context: ProviderContext,
  resource: HookResource,
  objects: readonly ObjectEvents[],
): Promise<[string, Finding][]> {
  const ids = objects.map(({ externalId }) => externalId)
  try {
    const answer = await resource.getMany?.(context, ids)
    if (!answer) return []
    const rows = new Map(answer.rows.map((row) => [resource.externalId(row), row]))
    return objects.map((one) => [
      one.externalId,
      judge(resource, one, rows.get(one.externalId), answer.readAt),
    ])
  } catch (error) {
    if (isOfAll(error)) throw error
    // One of them may be the cause: asked one by one, it harms only itself.
    if (objects.length === 1 || !isHubError(error))
      return ids.map((id) => [id, { kind: 'failed', error: asHub(error) }])
    const half = Math.ceil(objects.length / 2)
    return [
      ...(await ask(context, resource, objects.slice(0, half))),
      ...(await ask(context, resource, objects.slice(half))),
    ]
  }
}

/** A provider may be a moment behind its own webhooks: what does not fit them is looked at again before it is believed. */
function judge(
  resource: HookResource,
  { events }: ObjectEvents,
  row: Row | undefined,
  readAt: Date,
): Finding {
  const last = events.at(-1)
  const isFirstLook = (last?.event.attempts ?? 0) === 0
  const isLiving = row !== undefined && !resource.isDeleted?.(row)
  if (isFirstLook && isLiving === (last?.told.about === 'deleted'))
    return { kind: 'unsettled', seen: row, readAt }
  return row ? { kind: 'row', row, readAt } : { kind: 'gone', readAt }
}

/** Failures that any other call would meet as well: the lane waits instead of burying its events. */
export const isOfAll = (error: unknown): error is HubError =>
  isHubError(error) &&
  [
    'RateLimited',
    'QuotaExhausted',
    'Unavailable',
    'Unauthorized',
    'NotConfigured',
    'DatabaseUnavailable',
  ].includes(error.code)

const asHub = (error: unknown): HubError =>
  isHubError(error) ? error : new HubError('Internal', 'The hub failed at this event.', { cause: error })
