/** Writes to providers, one by one and as sets. */
import { appendAudit } from '../db/audit.ts'
import { asTenant } from '../db/client.ts'
import { endWriteSet, getWriteSet, type WriteSetState } from '../db/write-sets.ts'
import { listWritesOfSet, type Write } from '../db/writes.ts'
import type { FailureNote } from '../model/failures.ts'
import { HubError } from '../platform/errors.ts'
import type { ActivityDeps } from './deps.ts'
import { describeConnection, type ConnectionFacts } from './describe.ts'
import { failing } from './failure.ts'
import { whileBeating } from './steady.ts'
import { noteUndoFailed, undoWrite } from './undo-write.ts'
import { endFailedWrite, loadWrite, performWrite, type WriteOutcome } from './write-record.ts'

/** What the workflow must know to run and to explain itself. */
export interface WriteFacts extends ConnectionFacts {
  readonly writeId: string
  readonly resource: string
  readonly operation: Write['operation']
  readonly writeState: Write['state']
}

export interface WriteSetFacts {
  readonly setId: string
  readonly mode: 'together' | 'independent'
  readonly partnerId: string
  readonly state: WriteSetState
  readonly writes: readonly { readonly writeId: string; readonly state: Write['state'] }[]
}

interface WriteKey {
  readonly writeId: string
}

async function describeWrite(deps: ActivityDeps, { writeId }: WriteKey): Promise<WriteFacts> {
  const write = await loadWrite(deps, writeId)
  const facts = await describeConnection(deps, write)
  return { ...facts, writeId, resource: write.resource, operation: write.operation, writeState: write.state }
}

async function describeWriteSet(
  deps: ActivityDeps,
  { setId }: { readonly setId: string },
): Promise<WriteSetFacts> {
  const { db } = deps.database
  const set = await getWriteSet(db, setId)
  if (!set) throw new HubError('InvalidInput', `There is no set of writes "${setId}".`)
  const writes = await listWritesOfSet(db, setId)
  const { mode, partnerId, state } = set
  return {
    setId,
    mode,
    partnerId,
    state,
    writes: writes.map((one) => ({ writeId: one.writeId, state: one.state })),
  }
}

async function closeWriteSet(
  deps: ActivityDeps,
  { setId, state }: { readonly setId: string; readonly state: Exclude<WriteSetState, 'running'> },
): Promise<void> {
  const { db } = deps.database
  const set = await getWriteSet(db, setId)
  if (!set) return
  await asTenant(db, set.partnerId, async (tx) => {
    if (!(await endWriteSet(tx, setId, state))) return
    await appendAudit(tx, {
      actor: set.startedBy,
      action: `write_set.${state}`,
      subject: setId,
      partnerId: set.partnerId,
    })
  })
}

export function createWriteActivities(deps: ActivityDeps) {
  return {
    describeWrite: failing((input: WriteKey) => describeWrite(deps, input)),
    performWrite: failing(({ writeId }: WriteKey): Promise<WriteOutcome> =>
      whileBeating((signal) => performWrite(deps, writeId, signal)),
    ),
    endFailedWrite: failing(({ writeId, failure }: WriteKey & { readonly failure: FailureNote }) =>
      endFailedWrite(deps, writeId, failure),
    ),
    undoWrite: failing(({ writeId }: WriteKey) => whileBeating((signal) => undoWrite(deps, writeId, signal))),
    noteUndoFailed: failing(({ writeId, failure }: WriteKey & { readonly failure: FailureNote }) =>
      noteUndoFailed(deps, writeId, failure),
    ),
    describeWriteSet: failing((input: { readonly setId: string }) => describeWriteSet(deps, input)),
    closeWriteSet: failing(
      (input: { readonly setId: string; readonly state: Exclude<WriteSetState, 'running'> }) =>
        closeWriteSet(deps, input),
    ),
  }
}
