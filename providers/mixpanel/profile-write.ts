/** Writing profiles through `/engage` (fact sheet §4): a list of updates, each one operation on one profile. */
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import type { ProviderContext, ProviderResponse, Row, WriteItem, Writer, Written } from '../contract.ts'
import { fieldsIn, idText, isFields, numberIn, textIn } from './answer.ts'
import { projectToken } from './call.ts'
import { readEngage, type EngagePlace } from './engage.ts'
import { explainError, failedRecords, publicText } from './errors.ts'
import { profileOutward } from './mapping.ts'
import { withZone } from './times.ts'

/** Updates in one call, at most (docs: user-profile-limits). */
const mostUpdates = 2000

/** One refused update of a call. */
export interface Refusal {
  readonly index: number
  readonly field: string
  readonly message: string
}

/**
 * Sends updates of profiles (`/engage`) or groups (`/groups`). Repeatable: only operations that have the same effect when
 * they come twice are given to it. No gzip: `/engage` does not take it.
 */
export async function sendUpdates(
  context: ProviderContext,
  path: '/engage' | '/groups',
  updates: readonly JsonObject[],
  repeatable = true,
): Promise<readonly Refusal[]> {
  const refused: Refusal[] = []
  for (let start = 0; start < updates.length; start += mostUpdates) {
    const batch = updates.slice(start, start + mostUpdates)
    const response = await context.call({
      method: 'POST',
      base: 'ingest',
      path,
      query: { strict: 1, verbose: 1, ip: 0 },
      body: batch,
      group: 'ingest',
      repeatable,
      accept: [400],
    })
    refused.push(...refusalsIn(response, batch.length).map((one) => ({ ...one, index: one.index + start })))
  }
  return refused
}

/** `1` or `{status: 1}` is good; `0`, `{status: 0, error}` refuses all; `failed_records` names the bad ones. */
function refusalsIn(response: ProviderResponse, count: number): readonly Refusal[] {
  const { body } = response
  const fields = isFields(body) ? body : {}
  const failed = failedRecords(fields)
  if (failed.length > 0) return failed.map((record) => refusalOf(record))
  const isGood =
    response.status < 400 &&
    (body === 1 ||
      body === '1' ||
      fields['status'] === 1 ||
      fields['status'] === 'OK' ||
      fields['status'] === 'ok')
  if (isGood) return []
  const fault = response.status < 400 ? undefined : explainError(response)
  if (fault && fault.code !== 'Invalid') throw new HubError(fault.code, fault.message)
  const message = publicText(textIn(fields, 'error') ?? 'Mixpanel found nothing valid in what was sent')
  return Array.from({ length: count }, (_, index) => ({ index, field: '', message }))
}

/** A record of `failed_records`. The message may quote what was sent, so addresses in it are masked. */
export function refusalOf(record: Readonly<Record<string, unknown>>, offset = 0): Refusal {
  return {
    index: (numberIn(record, 'index') ?? 0) + offset,
    field: textIn(record, 'field') ?? '',
    message: publicText(textIn(record, 'message') ?? 'refused without a reason'),
  }
}

export function refusalError(refusal: Refusal): HubError {
  const { field, message } = refusal
  return new HubError('Invalid', `Mixpanel refused the update: ${message}`, {
    fields: [{ pointer: field === '' ? '' : `/${field.replaceAll('.', '/')}`, detail: message }],
  })
}

/** `$ignore_time`: what the hub writes is no visit of the person, so `$last_seen` stays (mixpanel-node's modifiers). */
export const updateOf = (token: string, distinctId: string, operation: JsonObject): JsonObject => ({
  $token: token,
  $distinct_id: distinctId,
  $ignore_time: true,
  ...operation,
})

/** `$properties` with values are set, those with null removed. */
function operationsOf(fields: JsonObject): JsonObject[] {
  const given = isJsonObject(fields['$properties']) ? fields['$properties'] : {}
  const set = Object.entries(given).filter(([, value]) => value !== null)
  const unset = Object.entries(given).flatMap(([name, value]) => (value === null ? [name] : []))
  return [
    ...(set.length > 0 || unset.length === 0 ? [{ $set: Object.fromEntries(set) }] : []),
    ...(unset.length > 0 ? [{ $unset: unset }] : []),
  ]
}

/** The profile as it will be read: what was there, with the changes. */
function changed(distinctId: string, current: Row, fields: JsonObject): Row {
  const given = isJsonObject(fields['$properties']) ? fields['$properties'] : {}
  const properties: Record<string, unknown> = { ...fieldsIn(current, '$properties') }
  for (const [name, value] of Object.entries(given))
    if (value === null) delete properties[name]
    else properties[name] = value
  return { ...current, $distinct_id: distinctId, $properties: properties }
}

function idOf(fields: JsonObject): string {
  const id = idText(fields['$distinct_id'])
  if (id !== undefined) return id
  throw new HubError('Invalid', 'A Mixpanel profile is made under an id of ours, which is missing', {
    fields: [{ pointer: '/id', detail: 'is missing' }],
  })
}

async function write(
  context: ProviderContext,
  distinctId: string,
  operations: readonly JsonObject[],
): Promise<void> {
  const token = projectToken(context.settings)
  const updates = operations.map((operation) => updateOf(token, distinctId, operation))
  const [refusal] = await sendUpdates(context, '/engage', updates)
  if (refusal) throw refusalError(refusal)
}

/** `$ignore_alias`: an alias must not lead the deletion to another profile. */
const removal: JsonObject = { $delete: null, $ignore_alias: true }

/** The updates of a batch, and which item each is for. */
function updatesOf(token: string, items: readonly WriteItem[], current: ReadonlyMap<string, Row>) {
  const updates: JsonObject[] = []
  const itemOf: number[] = []
  const problems = new Map<number, HubError>()
  items.forEach((item, index) => {
    try {
      const id = item.operation === 'create' ? idOf(item.fields) : item.externalId
      // `$set` would make a new profile in place of one that is gone.
      if (item.operation === 'update' && !current.has(id))
        throw new HubError('NotFound', 'Mixpanel has no such profile')
      for (const operation of item.operation === 'delete' ? [removal] : operationsOf(item.fields)) {
        updates.push(updateOf(token, id, operation))
        itemOf.push(index)
      }
    } catch (error) {
      if (!(error instanceof HubError)) throw error
      problems.set(index, error)
    }
  })
  return { updates, itemOf, problems }
}

/** The profiles that are updated, as they are; one query per thousand. */
async function currentOf(context: ProviderContext, items: readonly WriteItem[]): Promise<Map<string, Row>> {
  const ids = items.flatMap(({ operation, externalId }) => (operation === 'update' ? [externalId] : []))
  const current = new Map<string, Row>()
  for (let start = 0; start < ids.length; start += 1_000) {
    const question = { distinct_ids: JSON.stringify(ids.slice(start, start + 1_000)) }
    let place: EngagePlace | undefined
    do {
      const page = await readEngage(context, question, place)
      for (const row of page.rows) current.set(idText(row['$distinct_id']) ?? '', row)
      place = page.next
    } while (place)
  }
  return current
}

/**
 * Several at once. Those that are updated are read before: the answer tells nothing of them, and the row that is given back
 * must have what was not written too.
 */
async function writeBatch(
  context: ProviderContext,
  items: readonly WriteItem[],
): Promise<readonly (Written | HubError | undefined)[]> {
  const current = await currentOf(context, items)
  const readAt = context.now()
  const { updates, itemOf, problems } = updatesOf(projectToken(context.settings), items, current)
  for (const refusal of await sendUpdates(context, '/engage', updates)) {
    const item = itemOf[refusal.index]
    if (item !== undefined) problems.set(item, refusalError(refusal))
  }
  return items.map((item, index) => {
    const problem = problems.get(index)
    if (problem || item.operation === 'delete') return problem
    const id = item.operation === 'create' ? idOf(item.fields) : item.externalId
    return { row: withZone(changed(id, current.get(id) ?? {}, item.fields), context.settings), readAt }
  })
}

export const profileWriter: Writer = {
  /** `$set` makes the profile where there is none; the id makes the second try meet the first one's profile. */
  async create(context, fields) {
    const id = idOf(fields)
    const readAt = context.now()
    await write(context, id, operationsOf(fields))
    return { row: withZone(changed(id, {}, fields), context.settings), readAt }
  },
  async update(context, externalId, fields, current) {
    const readAt = context.now()
    await write(context, externalId, operationsOf(fields))
    return { row: changed(externalId, current, fields), readAt }
  },
  async remove(context, externalId) {
    await write(context, externalId, [removal])
    return undefined
  },
  batch: { size: mostUpdates, write: writeBatch },
  mapping: profileOutward,
  example: {
    create: { id: 'kit-user-#', email: 'kit#@example.com', givenName: 'Kit', familyName: 'Sol' },
    change: { phone: '+351 210 000 0#', city: 'Lisbon' },
  },
}
