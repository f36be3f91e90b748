/**
 * A write to a provider: the fields in the provider's words, compared with what it has now and with what was last agreed,
 * written once, and taken into the store as the hub's own doing. Every step may be repeated: the provider gets the same
 * idempotency key, and what is written already is found to be the same.
 */
import { appendAudit } from '../db/audit.ts'
import { asTenant, type Db } from '../db/client.ts'
import { isRace } from '../db/pages.ts'
import { getRecord, listRecordVersions } from '../db/records.ts'
import {
  addWriteCalls,
  askForDecision,
  claimChange,
  failWrite,
  getWrite,
  keepBefore,
  openWriteRequest,
  succeedWrite,
  type Write,
} from '../db/writes.ts'
import type { FailureNote } from '../model/failures.ts'
import type { JsonObject, JsonValue } from '../model/json.ts'
import { applyOutward, lookUp } from '../model/mapping.ts'
import { compareFields, leavesOf, pickLeaves, resolveConflicts, type FieldState } from '../model/merge.ts'
import { HubError, isHubError } from '../platform/errors.ts'
import type { Resource, Row, Writer, Written } from '../providers/contract.ts'
import { applyRows } from './apply-row.ts'
import type { ActivityDeps } from './deps.ts'
import { outwardInForce } from './mapping-in-force.ts'
import { openSession, type OpenedSession } from './session.ts'

/** A write that is being carried out. */
export interface Writing {
  readonly deps: ActivityDeps
  readonly write: Write
  readonly session: OpenedSession
  readonly resource: Resource
  readonly writer: Writer
  /** The provider's own fields. */
  readonly fields: JsonObject
}

export interface WriteOutcome {
  readonly state: Write['state']
}

/** What the provider did, before the store knows. */
interface Done {
  readonly written: Written | undefined
  readonly externalId: string | null
  readonly writtenFields: readonly string[]
  readonly droppedFields: readonly string[]
}

/** @throws HubError; `Conflict` when the object changes faster than it can be written. */
export async function performWrite(
  deps: ActivityDeps,
  writeId: string,
  signal: AbortSignal,
): Promise<WriteOutcome> {
  const write = await loadWrite(deps, writeId)
  if (write.state !== 'running') return { state: write.state }
  let calls = 0
  try {
    const writing = await open(deps, write, signal, () => void calls++)
    const done = await carryOut(writing)
    if (done === undefined) return { state: 'needs_decision' }
    await save(writing, done, calls)
    return { state: 'succeeded' }
  } catch (error) {
    await addWriteCalls(deps.database.db, writeId, calls)
    throw error
  }
}

export async function loadWrite(deps: ActivityDeps, writeId: string): Promise<Write> {
  const write = await getWrite(deps.database.db, writeId)
  if (!write) throw new HubError('InvalidInput', `There is no write "${writeId}".`)
  return write
}

/** Opens the connection and puts the fields into the provider's words. */
async function open(
  deps: ActivityDeps,
  write: Write,
  signal: AbortSignal,
  onCall: () => void,
): Promise<Writing> {
  const { db } = deps.database
  const session = await openSession(deps, write.connectionId, { priority: 'interactive', signal, onCall })
  if (session.connection.state === 'paused')
    throw new HubError('StateConflict', 'The connection is paused. Resume it first.')
  const { resource, writer } = writable(session, write)
  const request = await openWriteRequest(db, deps.vault, write)
  const mapping = await outwardInForce(db, write.connectionId, resource)
  const { mapped, problems } = mapping ? applyOutward(mapping, request.fields) : { mapped: {}, problems: [] }
  if (problems.length > 0) {
    const fields = problems.map((detail) => ({ pointer: `/fields/${detail.split(':')[0] ?? ''}`, detail }))
    throw new HubError('Invalid', `Some fields cannot be written: ${problems.join('; ')}.`, { fields })
  }
  return { deps, write, session, resource, writer, fields: merged(mapped, request.providerFields) }
}

function writable({ provider }: OpenedSession, write: Write): { resource: Resource; writer: Writer } {
  const resource = provider.resources.find(({ name }) => name === write.resource)
  const method = { create: 'create', update: 'update', delete: 'remove' } as const
  if (!resource?.write?.[method[write.operation]])
    throw new HubError(
      'Invalid',
      `${provider.name} does not let the hub ${write.operation} ${write.resource}.`,
    )
  return { resource, writer: resource.write }
}

/** Fields in the provider's own words go over what the mapping made. */
function merged(made: JsonObject, own: JsonObject): JsonObject {
  const result: JsonObject = { ...made }
  for (const [key, value] of Object.entries(own)) {
    const before = result[key]
    const bothObjects = isPlain(before) && isPlain(value)
    result[key] = bothObjects ? merged(before, value) : value
  }
  return result
}

const isPlain = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Undefined when a person has to decide first. */
async function carryOut(writing: Writing): Promise<Done | undefined> {
  const { write, writer, session, fields, resource } = writing
  if (write.operation === 'create') {
    if (!writer.create) throw new HubError('Internal', 'The resource cannot be written')
    const written = await writer.create(session.context, fields, write.writeId)
    const paths = leavesOf(fields).map(({ path }) => path)
    return { written, externalId: resource.externalId(written.row), writtenFields: paths, droppedFields: [] }
  }
  // The object may change between the look and the write: look again.
  for (let attempt = 1; ; attempt++) {
    try {
      return write.operation === 'delete' ? await remove(writing) : await update(writing)
    } catch (error) {
      if (!isHubError(error, 'Conflict') || attempt === 4) throw error
    }
  }
}

/** The object as the provider has it now; undefined when it is gone. */
async function readNow({ session, resource, write }: Writing): Promise<Row | undefined> {
  const { externalId } = write
  if (externalId === null || !resource.getMany)
    throw new HubError(
      'Invalid',
      `${session.provider.name} does not let the hub read ${resource.name} by id.`,
    )
  const { rows } = await resource.getMany(session.context, [externalId])
  const row = rows.find((one) => resource.externalId(one) === externalId)
  return row && resource.isDeleted?.(row) ? undefined : row
}

async function update(writing: Writing): Promise<Done | undefined> {
  const { deps, write, writer, session, fields } = writing
  const now = await readNow(writing)
  if (!now)
    throw new HubError(
      'NotFound',
      `${session.provider.name} has no ${write.resource} with the id ${write.externalId}.`,
    )
  await keepBefore(deps.database.db, deps.vault, write, now as JsonObject)
  const resolved = await resolve(writing, now)
  if (!resolved) return undefined
  const { chosen, dropped } = resolved
  const result = { externalId: write.externalId, writtenFields: chosen, droppedFields: dropped }
  if (chosen.length === 0) return { ...result, written: { row: now, readAt: deps.clock.now() } }
  if (!writer.update || write.externalId === null)
    throw new HubError('Internal', 'The resource cannot be written')
  const body = pickLeaves(fields, new Set(chosen))
  return {
    ...result,
    written: await writer.update(session.context, write.externalId, body, now, write.writeId),
  }
}

/** Which fields are written; undefined when a person is asked. */
async function resolve(
  writing: Writing,
  now: Row,
): Promise<{ readonly chosen: string[]; readonly dropped: string[] } | undefined> {
  const { write, writer, resource, fields } = writing
  const readPath = (path: string): string[] => (writer.readPath?.(path) ?? path).split('.')
  const base = await lastAgreed(writing)
  const states = leavesOf(fields).map(({ path, value }) => ({
    path,
    ours: value,
    theirs: lookUp(now, readPath(path)) as JsonValue | undefined,
  }))
  const valueIn = base && ((path: string) => lookUp(base, readPath(path)) as JsonValue | undefined)
  const { clean, conflicts } = compareFields(states, valueIn)
  const theirTime = resource.updatedAt(now)
  const isOursNewer = theirTime === undefined || Date.parse(theirTime) < write.startedAt.getTime()
  const resolved = resolveConflicts(conflicts, write.policy, isOursNewer, write.decision ?? undefined)
  if (!resolved) {
    await ask(writing, conflicts)
    return undefined
  }
  return {
    chosen: [...clean, ...resolved.write].map(({ path }) => path),
    dropped: resolved.drop.map(({ path }) => path),
  }
}

/** The version that the caller had seen, else the newest that the store holds. */
async function lastAgreed({ deps, write }: Writing): Promise<JsonObject | undefined> {
  const { db } = deps.database
  const { connectionId, resource, externalId, basedOnVersion } = write
  if (externalId === null) return undefined
  const record = await getRecord(db, { connectionId, resource, externalId })
  if (!record || basedOnVersion === null || basedOnVersion === record.version) return record?.raw
  const key = { connectionId, resource, externalId, before: basedOnVersion + 1, limit: 1 }
  const [version] = await listRecordVersions(db, key)
  return version?.version === basedOnVersion ? version.raw : undefined
}

async function ask({ deps, write }: Writing, conflicts: readonly FieldState[]): Promise<void> {
  const fields = conflicts.map(({ path, ours, theirs, base }): JsonObject => ({
    path,
    ours,
    theirs: theirs ?? null,
    base: base ?? null,
  }))
  await asTenant(deps.database.db, write.partnerId, async (tx) => {
    if (await askForDecision(tx, deps.vault, write, { fields })) await audit(tx, write, 'needs_decision', {})
  })
}

async function remove(writing: Writing): Promise<Done | undefined> {
  const { deps, write, writer, session, resource } = writing
  const now = await readNow(writing)
  const gone: Done = {
    written: undefined,
    externalId: write.externalId,
    writtenFields: [],
    droppedFields: [],
  }
  if (!now) return gone
  await keepBefore(deps.database.db, deps.vault, write, now as JsonObject)
  const base = await lastAgreed(writing)
  const changed = base === undefined || resource.updatedAt(base) !== resource.updatedAt(now)
  const conflict: FieldState = {
    path: '(deletion)',
    ours: null,
    theirs: resource.updatedAt(now) ?? null,
    base: null,
  }
  const theirTime = resource.updatedAt(now)
  const isOursNewer = theirTime === undefined || Date.parse(theirTime) < write.startedAt.getTime()
  const resolved = resolveConflicts(
    changed ? [conflict] : [],
    write.policy,
    isOursNewer,
    write.decision ?? undefined,
  )
  if (!resolved) {
    await ask(writing, [conflict])
    return undefined
  }
  if (resolved.drop.length > 0)
    return { ...gone, written: { row: now, readAt: deps.clock.now() }, droppedFields: ['(deletion)'] }
  if (!writer.remove || write.externalId === null)
    throw new HubError('Internal', 'The resource cannot be written')
  return { ...gone, written: await writer.remove(session.context, write.externalId, now, write.writeId) }
}

/** What was written is in the store, told as the hub's own doing, in one transaction with the end of the write. */
async function save({ deps, write, resource }: Writing, done: Done, calls: number): Promise<void> {
  const readAt = done.written?.readAt ?? deps.clock.now()
  const reading = done.written
    ? { rows: [done.written.row], readAt }
    : { rows: [], deletedIds: done.externalId === null ? [] : [done.externalId], readAt }
  const commit = () =>
    asTenant(deps.database.db, write.partnerId, async (tx) => {
      const [applied] = await applyRows(tx, write, resource, reading, `write:${write.writeId}`)
      const outcome = { ...done, recordVersion: applied?.version ?? null, calls }
      if (!(await succeedWrite(tx, write.writeId, outcome))) return
      if (write.operation === 'create' && done.externalId !== null)
        await claimChange(tx, write, done.externalId)
      await audit(tx, write, 'succeeded', { externalId: done.externalId, dropped: done.droppedFields.length })
    })
  for (let attempt = 1; ; attempt++) {
    try {
      return await commit()
    } catch (error) {
      // A page of a sync wrote the same row between our look and our write.
      if (!isRace(error) || attempt === 10) throw error
    }
  }
}

export async function endFailedWrite(
  deps: ActivityDeps,
  writeId: string,
  failure: FailureNote,
): Promise<void> {
  const write = await loadWrite(deps, writeId)
  await asTenant(deps.database.db, write.partnerId, async (tx) => {
    if (await failWrite(tx, writeId, failure)) await audit(tx, write, 'failed', { code: failure.code })
  })
}

export async function audit(tx: Db, write: Write, what: string, details: JsonObject): Promise<void> {
  await appendAudit(tx, {
    actor: write.startedBy,
    action: `write.${what}`,
    subject: write.writeId,
    partnerId: write.partnerId,
    details: {
      ...details,
      connectionId: write.connectionId,
      resource: write.resource,
      operation: write.operation,
    },
  })
}
