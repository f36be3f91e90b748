/** Sending events through `/import`: checked first, in batches within the limits, with what was refused told by index. */
import type { JsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import type { ProviderContext, ProviderResponse } from '../contract.ts'
import { bodyOf, numberIn, protocolError } from './answer.ts'
import { projectId } from './call.ts'
import { explainError, failedRecords } from './errors.ts'
import { refusalOf, type Refusal } from './profile-write.ts'

/** Events in one call (docs: import-events). */
const mostEvents = 2000
/** Bytes of one call before compression. Documented are 10 MB; the 413 that the specification shows speaks of 2,097,152. */
const mostBytes = 2_000_000

/** An event as `/import` takes it. */
export interface ImportEvent extends JsonObject {
  event: string
  properties: JsonObject
}

export interface Imported {
  readonly imported: number
  /** `index` counts in the list that was given. */
  readonly failed: readonly Refusal[]
}

interface Batch {
  readonly offset: number
  readonly events: readonly ImportEvent[]
}

export const bytesOf = (event: ImportEvent): number => new TextEncoder().encode(JSON.stringify(event)).length

function batchesOf(events: readonly ImportEvent[]): Batch[] {
  const batches: Batch[] = []
  let offset = 0
  let bytes = 0
  events.forEach((event, index) => {
    const size = bytesOf(event) + 1
    if (index > offset && (index - offset === mostEvents || bytes + size > mostBytes)) {
      batches.push({ offset, events: events.slice(offset, index) })
      offset = index
      bytes = 0
    }
    bytes += size
  })
  if (events.length > offset) batches.push({ offset, events: events.slice(offset) })
  return batches
}

/** `$insert_id` makes the call repeatable: Mixpanel counts an event once that comes twice. */
function send(context: ProviderContext, events: readonly ImportEvent[]): Promise<ProviderResponse> {
  return context.call({
    method: 'POST',
    base: 'ingest',
    path: '/import',
    query: { strict: 1, project_id: projectId(context.settings) },
    body: [...events],
    gzip: true,
    group: 'ingest',
    repeatable: true,
    accept: [400, 413],
  })
}

/**
 * Imports events. Those that Mixpanel refuses are in `failed`; the others of the same call are in (strict mode's 400 is a
 * partial success). A call that is too large is halved.
 * @throws HubError when a call fails as a whole: then the whole list may be given again.
 */
export async function importEvents(
  context: ProviderContext,
  events: readonly ImportEvent[],
): Promise<Imported> {
  const failed: Refusal[] = []
  let imported = 0
  const waiting = batchesOf(events).reverse()
  for (let batch = waiting.pop(); batch; batch = waiting.pop()) {
    const response = await send(context, batch.events)
    if (response.status === 413 && batch.events.length > 1) {
      const half = Math.ceil(batch.events.length / 2)
      const { offset } = batch
      waiting.push({ offset: offset + half, events: batch.events.slice(half) })
      waiting.push({ offset, events: batch.events.slice(0, half) })
      continue
    }
    const refused = refusalsOf(response, batch)
    failed.push(...refused)
    imported += importedOf(response, batch, refused.length)
  }
  return { imported, failed: failed.sort((a, b) => a.index - b.index) }
}

function refusalsOf(response: ProviderResponse, { offset }: Batch): readonly Refusal[] {
  if (response.status < 300) return []
  if (response.status === 413)
    return [{ index: offset, field: '', message: 'The event is larger than Mixpanel takes' }]
  const failed = failedRecords(typeof response.body === 'object' ? bodyOf(response, 'import') : {})
  if (failed.length > 0) return failed.map((record) => refusalOf(record, offset))
  const fault = explainError(response)
  throw new HubError(fault?.code ?? 'Invalid', fault?.message ?? 'Mixpanel refused the events', {
    ...(fault?.fields ? { fields: fault.fields } : {}),
  })
}

/** A good answer must count as many as were sent: an old form of credential was answered "good" and nothing was stored. */
function importedOf(response: ProviderResponse, { events }: Batch, refused: number): number {
  if (response.status === 413) return 0
  const counted = numberIn(bodyOf(response, 'import'), 'num_records_imported')
  const expected = events.length - refused
  if (response.status < 300 && counted !== expected)
    throw protocolError(`${String(counted ?? 'no')} of ${String(expected)} events counted`)
  return counted ?? expected
}
