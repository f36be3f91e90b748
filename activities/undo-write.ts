/** Takes a write back: what was made is removed, what was changed gets its values back, what was deleted is made again. */
import { asTenant } from '../db/client.ts'
import { noteCompensation, openWriteBefore, type Write } from '../db/writes.ts'
import type { FailureNote } from '../model/failures.ts'
import type { JsonObject, JsonValue } from '../model/json.ts'
import { lookUp } from '../model/mapping.ts'
import { HubError } from '../platform/errors.ts'
import type { Resource, Row, Writer, Written } from '../providers/contract.ts'
import { applyRows } from './apply-row.ts'
import type { ActivityDeps } from './deps.ts'
import { openSession, type OpenedSession } from './session.ts'
import { audit, loadWrite } from './write-record.ts'

interface Undoing {
  readonly write: Write
  readonly session: OpenedSession
  readonly resource: Resource
  readonly writer: Writer
  readonly before: JsonObject | undefined
  readonly key: string
}

/** Repeatable. A write that never succeeded, or was taken back already, is left alone. */
export async function undoWrite(deps: ActivityDeps, writeId: string, signal: AbortSignal): Promise<void> {
  const write = await loadWrite(deps, writeId)
  if (write.state !== 'succeeded' && write.state !== 'compensation_failed') return
  const session = await openSession(deps, write.connectionId, { priority: 'interactive', signal })
  const resource = session.provider.resources.find(({ name }) => name === write.resource)
  if (!resource?.write)
    throw new HubError('Invalid', `${session.provider.name} does not let the hub write ${write.resource}.`)
  const before = await openWriteBefore(deps.database.db, deps.vault, write)
  const undoing = { write, session, resource, writer: resource.write, before, key: `${writeId}-undo` }
  const written = await takeBack(undoing)
  await asTenant(deps.database.db, write.partnerId, async (tx) => {
    const { externalId } = write
    const readAt = written?.readAt ?? deps.clock.now()
    const gone = write.operation === 'create' && externalId !== null && !written
    const reading = written
      ? { rows: [written.row], readAt }
      : { rows: [], deletedIds: gone ? [externalId] : [], readAt }
    await applyRows(tx, write, resource, reading, `write:${writeId}`)
    await noteCompensation(tx, writeId, 'compensated', null)
    await audit(tx, write, 'compensated', {})
  })
}

async function takeBack(undoing: Undoing): Promise<Written | undefined> {
  const { write, session, writer, before, key } = undoing
  const { context } = session
  const { externalId } = write
  if (externalId === null) return undefined
  if (write.operation === 'delete') {
    // A hidden object is still there: what it was comes back, `isActive` with it.
    const hidden = await readNow(undoing, externalId)
    if (hidden && writer.update && before)
      return await writer.update(context, externalId, writableFields(undoing, before), hidden, key)
    if (!writer.create || !before) throw cannot(undoing)
    return await writer.create(context, writableFields(undoing, before), key)
  }
  const now = await readNow(undoing, externalId)
  if (!now) return undefined
  if (write.operation === 'create') {
    if (!writer.remove) throw cannot(undoing)
    return await writer.remove(context, externalId, now, key)
  }
  if (write.writtenFields.length === 0 || !before) return undefined
  if (!writer.update) throw cannot(undoing)
  return await writer.update(context, externalId, valuesBefore(undoing, before), now, key)
}

async function readNow({ session, resource }: Undoing, externalId: string): Promise<Row | undefined> {
  const answer = await resource.getMany?.(session.context, [externalId])
  const row = answer?.rows.find((one) => resource.externalId(one) === externalId)
  return row && resource.isDeleted?.(row) ? undefined : row
}

const cannot = ({ session, write }: Undoing): HubError =>
  new HubError(
    'Invalid',
    `${session.provider.name} has no way to take back a ${write.operation} of ${write.resource}.`,
  )

/** The values that the written fields had before. */
function valuesBefore({ write, writer }: Undoing, before: JsonObject): JsonObject {
  const fields: JsonObject = {}
  for (const path of write.writtenFields) {
    const value = lookUp(before, (writer.readPath?.(path) ?? path).split('.')) as JsonValue | undefined
    put(fields, path.split('.'), value ?? null)
  }
  return fields
}

/** Of the object that was deleted: every field that the outward mapping knows to write. */
function writableFields({ writer }: Undoing, before: JsonObject): JsonObject {
  const fields: JsonObject = {}
  for (const { to } of writer.mapping.rules) {
    const value = lookUp(before, (writer.readPath?.(to) ?? to).split('.')) as JsonValue | undefined
    if (value !== undefined && value !== null) put(fields, to.split('.'), value)
  }
  return fields
}

function put(object: JsonObject, [key = '', ...rest]: readonly string[], value: JsonValue): void {
  if (rest.length === 0) object[key] = value
  else {
    const inner = object[key]
    const place: JsonObject =
      typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? inner : {}
    object[key] = place
    put(place, rest, value)
  }
}

export async function noteUndoFailed(
  deps: ActivityDeps,
  writeId: string,
  failure: FailureNote,
): Promise<void> {
  const write = await loadWrite(deps, writeId)
  await asTenant(deps.database.db, write.partnerId, async (tx) => {
    await noteCompensation(tx, writeId, 'compensation_failed', failure)
    await audit(tx, write, 'compensation_failed', { code: failure.code })
  })
}
