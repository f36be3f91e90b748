/** Writes to providers: written down once per idempotency key, carried out by a workflow, waited for if wished. */
import { appendAudit } from '../../db/audit.ts'
import { inTransaction, type Db } from '../../db/client.ts'
import type { Connection } from '../../db/connections.ts'
import { beginWriteSet, getWriteSet as findWriteSet, type WriteSet } from '../../db/write-sets.ts'
import {
  beginWrite,
  decideWrite as keepDecision,
  getWrite as findWrite,
  listWrites as selectWrites,
  listWritesOfSet,
  openWriteConflict,
  type NewWrite,
  type Write,
} from '../../db/writes.ts'
import type { JsonObject } from '../../model/json.ts'
import { models } from '../../model/records.ts'
import type { Model } from '../../model/fields.ts'
import type { components } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import { newId } from '../../platform/new-id.ts'
import type { Resource } from '../../providers/contract.ts'
import { workflowIds } from '../../workflows/client.ts'
import type { Caller } from '../caller.ts'
import type { ApiDeps } from '../deps.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'
import { waitMsOf } from '../prefer.ts'
import { invalidInput } from '../problem.ts'
import type { PlacedError } from '../validation.ts'
import { connectionOf, providerOf, usableConnection } from './find.ts'

type Schemas = components['schemas']
type Wish = Schemas['NewWrite']

const defaultWaitMs = 5_000
const time = (at: Date | null): string | null => at?.toISOString() ?? null

export const createWrite: Handler<'createWrite'> = async (deps, { path, header, body, caller }) => {
  const connection = await usableConnection(deps, path.connectionId)
  check(deps, connection, body, '')
  const begun = await inTransaction(deps.database.db, (tx) =>
    begin(deps, tx, caller, connection, body, { idempotencyKey: header['Idempotency-Key'] }),
  )
  const { write: known, isNew } = begun
  if (known.state === 'running') {
    const { writeId, resource } = known
    const started = await deps.temporal.startWrite({ ...factsOf(connection), writeId, resource })
    const waitMs = waitMsOf(header.Prefer) ?? defaultWaitMs
    if (waitMs > 0) await settled(deps, writeId, started.workflowId, waitMs)
  }
  const write = await writeOf(deps, known.writeId)
  const shown = await showWrite(deps, write)
  const replayed = isNew ? {} : { 'Idempotency-Replayed': 'true' }
  if (write.endedAt) return { status: 200, body: shown, headers: replayed }
  return { status: 202, body: shown, headers: { Location: `/admin/v1/writes/${write.writeId}`, ...replayed } }
}

const factsOf = ({ connectionId, partnerId, accountId, provider, name }: Connection) => ({
  connectionId,
  partnerId,
  accountId,
  provider,
  name,
})

/** Waits for the end, or for the moment when a person has to decide. */
async function settled(deps: ApiDeps, writeId: string, workflowId: string, waitMs: number): Promise<void> {
  const until = Date.now() + waitMs
  for (let left = waitMs; left > 0; left = until - Date.now()) {
    if (await deps.temporal.waitForOperation({ workflowId }, Math.min(left, 1_000))) return
    if ((await findWrite(deps.database.db, writeId))?.state !== 'running') return
  }
}

/** @throws InvalidInput for a write that the resource does not allow or whose fields the model does not have. */
function check(deps: ApiDeps, connection: Connection, wish: Wish, at: string): Resource {
  const provider = providerOf(deps, connection)
  const errors: PlacedError[] = []
  const say = (pointer: string, detail: string) =>
    void errors.push({ in: 'body', pointer: `${at}${pointer}`, detail })
  const resource = provider.resources.find(({ name }) => name === wish.resource)
  const writer = resource?.write
  const method = { create: 'create', update: 'update', delete: 'remove' } as const
  const writable = provider.resources.filter((one) => one.write).map(({ name }) => name)
  if (!resource || !writer)
    say('/resource', `should be one of ${writable.join(', ') || 'none: nothing is written there'}`)
  else if (!writer[method[wish.operation]])
    say('/operation', `${provider.name} does not let the hub ${wish.operation} ${resource.name}`)
  if (wish.operation === 'create' && wish.externalId !== undefined)
    say('/externalId', 'is given by the provider')
  if (wish.operation !== 'create' && wish.externalId === undefined) say('/externalId', 'is missing')
  const given = Object.keys(wish.fields ?? {}).length + Object.keys(wish.providerFields ?? {}).length
  if (wish.operation !== 'delete' && given === 0) say('/fields', 'or providerFields is missing')
  if (wish.operation === 'delete' && given > 0) say('/fields', 'a deletion takes none')
  const known: Model = resource ? models[resource.model] : {}
  for (const name of Object.keys(wish.fields ?? {}))
    if (resource && name !== 'custom' && !Object.hasOwn(known, name))
      say(`/fields/${name}`, `${resource.model} has no such field; it has ${Object.keys(known).join(', ')}`)
  if (errors.length > 0 || !resource) throw invalidInput(errors)
  return resource
}

async function begin(
  deps: ApiDeps,
  tx: Db,
  caller: Caller,
  connection: Connection,
  wish: Wish,
  place: Pick<NewWrite, 'idempotencyKey'> & Partial<Pick<NewWrite, 'setId' | 'ordinal'>>,
): Promise<{ readonly write: Write; readonly isNew: boolean }> {
  const begun = await beginWrite(tx, deps.vault, {
    ...place,
    writeId: newId('write'),
    connection,
    resource: wish.resource,
    operation: wish.operation,
    externalId: wish.externalId,
    policy: wish.policy ?? 'ask',
    basedOnVersion: wish.basedOnVersion,
    request: {
      fields: (wish.fields ?? {}) as JsonObject,
      providerFields: (wish.providerFields ?? {}) as JsonObject,
    },
    startedBy: caller.name,
  })
  if (begun.isNew) {
    await appendAudit(tx, {
      actor: caller.name,
      action: 'write.requested',
      subject: begun.write.writeId,
      partnerId: connection.partnerId,
      details: { connectionId: connection.connectionId, resource: wish.resource, operation: wish.operation },
    })
  }
  return begun
}

async function writeOf({ database }: ApiDeps, writeId: string): Promise<Write> {
  const write = await findWrite(database.db, writeId)
  if (!write) throw new HubError('NoSuchThing', `There is no write "${writeId}".`)
  return write
}

async function showWrite(deps: ApiDeps, write: Write): Promise<Schemas['Write']> {
  const conflict =
    write.state === 'needs_decision'
      ? await openWriteConflict(deps.database.db, deps.vault, write)
      : undefined
  return showWith(deps, write, (conflict?.['fields'] ?? []) as Schemas['Write']['conflicts'])
}

function showWith(
  { temporal }: ApiDeps,
  write: Write,
  conflicts: Schemas['Write']['conflicts'],
): Schemas['Write'] {
  return {
    ...write,
    conflicts,
    conflictFields: [...write.conflictFields],
    writtenFields: [...write.writtenFields],
    droppedFields: [...write.droppedFields],
    decision: write.decision && { ...write.decision },
    startedAt: write.startedAt.toISOString(),
    endedAt: time(write.endedAt),
    temporalUrl: temporal.workflowLink(workflowIds.writeRecord(write.writeId)),
  }
}

export const getWrite: Handler<'getWrite'> = async (deps, { path, header }) => {
  const write = await writeOf(deps, path.writeId)
  const waitMs = waitMsOf(header.Prefer) ?? 0
  if (write.state === 'running' && waitMs > 0)
    await settled(deps, write.writeId, workflowIds.writeRecord(write.writeId), waitMs)
  return { status: 200, body: await showWrite(deps, await writeOf(deps, path.writeId)) }
}

export const listWrites: Handler<'listWrites'> = async (deps, call) => {
  const before = positionOf(call, { writeId: 'string' })?.writeId
  const { connectionId } = await connectionOf(deps, call.path.connectionId)
  const rows = await selectWrites(deps.database.db, { connectionId, before, limit: rowsFor(call) })
  return listAnswer(
    call,
    rows,
    (write) => showWith(deps, write, []),
    ({ writeId }) => ({ writeId }),
  )
}

export const decideWrite: Handler<'decideWrite'> = async (deps, { path, body, caller }) => {
  const write = await writeOf(deps, path.writeId)
  if (write.state !== 'needs_decision')
    throw new HubError('StateConflict', 'This write does not wait for a decision.')
  const missing = write.conflictFields.filter((field) => body.fields[field] === undefined)
  const unknown = Object.keys(body.fields).filter((field) => !write.conflictFields.includes(field))
  if (missing.length + unknown.length > 0) {
    throw invalidInput([
      ...missing.map((field) => ({ in: 'body', pointer: `/fields/${field}`, detail: 'is missing' }) as const),
      ...unknown.map(
        (field) => ({ in: 'body', pointer: `/fields/${field}`, detail: 'is not in conflict' }) as const,
      ),
    ])
  }
  await inTransaction(deps.database.db, async (tx) => {
    if (!(await keepDecision(tx, write.writeId, body.fields)))
      throw new HubError('StateConflict', 'This write does not wait for a decision.')
    await appendAudit(tx, {
      actor: caller.name,
      action: 'write.decided',
      subject: write.writeId,
      partnerId: write.partnerId,
      details: { fields: Object.keys(body.fields) },
    })
  })
  await deps.temporal.tellDecision(write.writeId)
  return { status: 202, body: await showWrite(deps, await writeOf(deps, write.writeId)) }
}

export const createWriteSet: Handler<'createWriteSet'> = async (deps, { header, body, caller }) => {
  const connections = await Promise.all(
    body.writes.map(({ connectionId }) => usableConnection(deps, connectionId)),
  )
  const [first] = connections
  body.writes.forEach((wish, index) => {
    const connection = connections[index]
    if (!connection || !first) return
    if (connection.accountId !== first.accountId) {
      const detail = 'is of another account than the first; a set belongs to one account'
      throw invalidInput([{ in: 'body', pointer: `/writes/${index}/connectionId`, detail }])
    }
    check(deps, connection, wish, `/writes/${index}`)
  })
  if (!first) throw new HubError('Internal', 'A set without writes')
  const key = header['Idempotency-Key']
  const set = await inTransaction(deps.database.db, async (tx) => {
    const { partnerId, accountId } = first
    const { set: begun, isNew } = await beginWriteSet(tx, {
      setId: newId('writeSet'),
      partnerId,
      accountId,
      mode: body.mode ?? 'together',
      startedBy: caller.name,
      idempotencyKey: key,
      request: JSON.parse(JSON.stringify(body)) as JsonObject,
    })
    for (const [ordinal, wish] of isNew ? body.writes.entries() : []) {
      const connection = connections[ordinal]
      if (connection)
        await begin(deps, tx, caller, connection, wish, {
          setId: begun.setId,
          ordinal,
          idempotencyKey: `${begun.setId}/${ordinal}`,
        })
    }
    return begun
  })
  if (set.state === 'running') {
    const started = await deps.temporal.startWriteSet(set)
    const waitMs = waitMsOf(header.Prefer) ?? defaultWaitMs
    if (waitMs > 0) await deps.temporal.waitForOperation(started, waitMs)
  }
  const shown = await showSet(deps, await setOf(deps, set.setId))
  if (shown.endedAt !== null) return { status: 200, body: shown }
  return { status: 202, body: shown, headers: { Location: `/admin/v1/write-sets/${set.setId}` } }
}

async function setOf({ database }: ApiDeps, setId: string): Promise<WriteSet> {
  const set = await findWriteSet(database.db, setId)
  if (!set) throw new HubError('NoSuchThing', `There is no set of writes "${setId}".`)
  return set
}

async function showSet(deps: ApiDeps, set: WriteSet): Promise<Schemas['WriteSet']> {
  const writes = await listWritesOfSet(deps.database.db, set.setId)
  return {
    ...set,
    writes: await Promise.all(writes.map((write) => showWrite(deps, write))),
    startedAt: set.startedAt.toISOString(),
    endedAt: time(set.endedAt),
    temporalUrl: deps.temporal.workflowLink(workflowIds.writeMany(set.setId)),
  }
}

export const getWriteSet: Handler<'getWriteSet'> = async (deps, { path, header }) => {
  const set = await setOf(deps, path.setId)
  const waitMs = waitMsOf(header.Prefer) ?? 0
  if (set.state === 'running' && waitMs > 0)
    await deps.temporal.waitForOperation({ workflowId: workflowIds.writeMany(set.setId) }, waitMs)
  return { status: 200, body: await showSet(deps, await setOf(deps, path.setId)) }
}
