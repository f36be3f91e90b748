/**
 * Writes one object at the provider and deletes it again, where that is safe: only objects that nobody is told of and that no book
 * counts. The idempotency key is the test's own id, so that a repetition finds the object that an earlier attempt made; what
 * was made is noted until it is gone.
 */
import { getDiagnosis, noteLeftObject, type LeftObject } from '../db/diagnoses.ts'
import { listRecords } from '../db/records.ts'
import { failed, passed, skipped, warned, type StepFinding } from '../model/diagnosis.ts'
import { failures } from '../model/failures.ts'
import type { JsonObject, JsonValue } from '../model/json.ts'
import { applyOutward } from '../model/mapping.ts'
import type { ModelName } from '../model/records.ts'
import { HubError, isHubError } from '../platform/errors.ts'
import type { Resource, Row, Writer, Written } from '../providers/contract.ts'
import { findingOf, sessionOf, type StepScene } from './diagnosis-step.ts'

/**
 * The safest first. Not among them: what is sent to somebody when it is made (tickets, articles, invoices), what a ledger keeps for
 * ever (payments, journal entries), what invites a person (users).
 */
const safeModels: readonly ModelName[] = [
  'organization',
  'account',
  'contact',
  'customer',
  'vendor',
  'profile',
]

interface Candidate {
  readonly resource: Resource
  readonly writer: Writer
  readonly create: NonNullable<Writer['create']>
  readonly remove: NonNullable<Writer['remove']>
  readonly example: JsonObject
}

function candidateOf({ provider }: Pick<StepScene, 'provider'>): Candidate | undefined {
  const all = provider.resources.flatMap((resource): Candidate[] => {
    const { write: writer } = resource
    const example = writer?.example?.create
    if (!writer?.create || !writer.remove || !example || !safeModels.includes(resource.model)) return []
    return [{ resource, writer, create: writer.create, remove: writer.remove, example }]
  })
  const rank = ({ resource }: Candidate): number => safeModels.indexOf(resource.model)
  return all.sort((a, b) => rank(a) - rank(b))[0]
}

export async function writeAndDeleteOne(scene: StepScene): Promise<StepFinding> {
  const { diagnosis, connection, provider, signal } = scene
  if (!diagnosis.writes) return skipped('Nobody asked for it: nothing is written unless the test is told to.')
  const candidate = candidateOf(scene)
  if (!candidate)
    return skipped(
      `Nothing that the hub can write at ${provider.name} can be made without somebody noticing it.`,
    )
  if (connection.state === 'paused')
    return skipped('The connection is paused: nothing is written there.', 'Resume it first.')
  const { resource } = candidate
  const began = performance.now()
  try {
    const written = await make(scene, candidate)
    const createdMs = Math.round(performance.now() - began)
    const externalId = resource.externalId(written.row)
    const isReadBack = (await readNow(scene, candidate, externalId)) !== undefined
    const kept = await removeIt(scene, candidate, externalId, written.row)
    const facts = { resource: resource.name, externalId, createdMs, isReadBack, isKept: kept !== undefined }
    const told = `Made one object of ${resource.name} (${externalId})${isReadBack ? ', read it back' : ''} and deleted it again.`
    if (kept)
      return passed(
        `${told} ${provider.name} keeps it hidden, as it does with whatever is deleted there.`,
        facts,
      )
    if (!isReadBack && resource.getMany)
      return warned(
        `${told} It could not be read in between.`,
        'Nothing to do when the provider shows new objects late.',
        facts,
      )
    return passed(told, facts)
  } catch (error) {
    const finding = findingOf('write', error, signal)
    return { ...finding, facts: { ...finding.facts, resource: resource.name } }
  }
}

/** Noted before it is made: an answer that gets lost, or a worker that dies, leaves nothing behind that nobody knows of. */
async function make(scene: StepScene, candidate: Candidate): Promise<Written> {
  const { diagnosis, deps } = scene
  const { resource, create } = candidate
  const note = (left: LeftObject | null) => noteLeftObject(deps.database.db, diagnosis.diagnosisId, left)
  const fields = await fieldsOf(scene, candidate)
  const context = await sessionOf(scene)
  await note({ resource: resource.name, externalId: null })
  try {
    const written = await create(context, fields, diagnosis.diagnosisId)
    await note({ resource: resource.name, externalId: resource.externalId(written.row) })
    return written
  } catch (error) {
    // A refusal is sure; what broke off may have been done.
    if (isHubError(error) && failures[error.code].retry !== 'yes') await note(null)
    throw error
  }
}

async function fieldsOf(scene: StepScene, { example, writer }: Candidate): Promise<JsonObject> {
  const { mapped, problems } = applyOutward(writer.mapping, await filledIn(scene, example))
  if (problems.length === 0) return mapped
  const text = `The example of ${scene.provider.name} cannot be written: ${problems.join('; ')}.`
  throw new HubError('Invalid', text)
}

/** A name that says what it is, other values from the provider's example; `"@customers"` is the id of some object that the store has. */
async function filledIn(scene: StepScene, example: JsonObject): Promise<JsonObject> {
  const { deps, connection, diagnosis } = scene
  const idOf = async (resource: string): Promise<string> => {
    const [record] = await listRecords(deps.database.db, {
      connectionId: connection.connectionId,
      resource,
      limit: 1,
    })
    if (record) return record.externalId
    throw new HubError(
      'StateConflict',
      `The object needs one of ${resource}, and none has been synced yet. Sync the connection first.`,
    )
  }
  // The same at each repetition, another one at each test.
  const number = String(diagnosis.startedAt.getTime() % 1_000_000_000)
  const fill = async (value: JsonValue): Promise<JsonValue> => {
    if (typeof value === 'string')
      return value.startsWith('@') ? await idOf(value.slice(1)) : value.replaceAll('#', number)
    if (Array.isArray(value)) return await Promise.all(value.map(fill))
    if (value === null || typeof value !== 'object') return value
    const entries = Object.entries(value).map(async ([key, inner]) => [key, await fill(inner)] as const)
    return Object.fromEntries(await Promise.all(entries))
  }
  const filled = (await fill(example)) as JsonObject
  return 'name' in filled ? { ...filled, name: `Connection test ${number}` } : filled
}

async function removeIt(
  scene: StepScene,
  { remove }: Candidate,
  externalId: string,
  row: Row,
): Promise<Written | undefined> {
  const { deps, diagnosis } = scene
  const kept = await remove(await sessionOf(scene), externalId, row, `${diagnosis.diagnosisId}-removal`)
  await noteLeftObject(deps.database.db, diagnosis.diagnosisId, null)
  return kept
}

/**
 * Deletes what the step has left behind: it failed, or was cancelled, between making and deleting. Repeatable; an object that is gone
 * is no error. One of which it is not known whether it was made is made (with the same key: it is found if it was) and deleted.
 * @returns what was there; null when nothing was left.
 */
export async function removeLeftObject(scene: StepScene): Promise<LeftObject | null> {
  const { diagnosis, deps } = scene
  const left = diagnosis.leftObject
  const candidate = candidateOf(scene)
  if (!left || candidate?.resource.name !== left.resource) return null
  const done = async (): Promise<LeftObject> => {
    await noteLeftObject(deps.database.db, diagnosis.diagnosisId, null)
    return left
  }
  try {
    const row =
      left.externalId === null
        ? (await make(scene, candidate)).row
        : await readNow(scene, candidate, left.externalId)
    if (row) await removeIt(scene, candidate, candidate.resource.externalId(row), row)
    return await done()
  } catch (error) {
    // Refused when it was to be made again: then it was not made the first time either.
    const isNotThere = left.externalId === null && isHubError(error) && (await isForgotten(scene))
    if (isNotThere || isHubError(error, 'NotFound')) return await done()
    throw error
  }
}

const isForgotten = async ({ deps, diagnosis }: StepScene): Promise<boolean> =>
  (await getDiagnosis(deps.database.db, diagnosis.diagnosisId))?.leftObject === null

/** Undefined when it is gone. */
async function readNow(
  scene: StepScene,
  { resource }: Candidate,
  externalId: string,
): Promise<Row | undefined> {
  const answer = await resource.getMany?.(await sessionOf(scene), [externalId])
  const row = answer?.rows.find((one) => resource.externalId(one) === externalId)
  return row && resource.isDeleted?.(row) ? undefined : row
}

/** What people are told when it could not be deleted. */
export function leftBehind({ resource, externalId }: LeftObject, provider: string, why: string): StepFinding {
  const object = externalId === null ? `An object of ${resource}` : `The object ${externalId} of ${resource}`
  const message = `${object} was made for the test and could not be deleted again: ${why}`
  const advice = `Look for it at ${provider} and delete it by hand ("Connection test" is in its name, where it has one).`
  return failed({ code: 'Conflict', message }, advice, { resource, externalId })
}
