/** Re-mapping of stored records, without calling the provider; and the question to it which fields there are. */
import { appendAudit } from '../db/audit.ts'
import { asTenant } from '../db/client.ts'
import { putFields } from '../db/field-descriptions.ts'
import { getMappingVersion } from '../db/mappings.ts'
import {
  commitRemapBatch,
  countOtherwiseMapped,
  endRemap,
  getRemap,
  recordsAfter,
  restartRemap,
  type MappedRecord,
  type Remap,
  type RemapBatch,
  type RemapState,
} from '../db/remaps.ts'
import { isReading } from '../db/run-resources.ts'
import { diffFields } from '../model/diff.ts'
import type { FailureNote } from '../model/failures.ts'
import { canonicalJson, type JsonObject } from '../model/json.ts'
import { applyMapping, type FieldMapping } from '../model/mapping.ts'
import { HubError } from '../platform/errors.ts'
import type { Resource } from '../providers/contract.ts'
import type { ActivityDeps } from './deps.ts'
import { describeConnection, type ConnectionFacts } from './describe.ts'
import { failing } from './failure.ts'
import { openSession } from './session.ts'
import { whileBeating } from './steady.ts'

export interface RemapKey {
  readonly remapId: string
}

export interface RemapProgress {
  readonly done: boolean
  readonly scanned: number
  readonly changed: number
  readonly troubled: number
  readonly expected: number
  /** A sync is reading the resource: it may still write with the mapping that it began with. */
  readonly isBeingRead?: boolean
}

export interface RemapFacts extends ConnectionFacts {
  readonly remapId: string
  readonly resource: string
  readonly dryRun: boolean
  readonly remapState: RemapState
}

const batchSize = 500
const sliceMs = 20_000

async function load(deps: ActivityDeps, remapId: string): Promise<Remap> {
  const remap = await getRemap(deps.database.db, remapId)
  if (!remap) throw new HubError('InvalidInput', `There is no re-mapping "${remapId}".`)
  return remap
}

async function describeRemap(deps: ActivityDeps, { remapId }: RemapKey): Promise<RemapFacts> {
  const remap = await load(deps, remapId)
  const facts = await describeConnection(deps, remap)
  return { ...facts, remapId, resource: remap.resource, dryRun: remap.dryRun, remapState: remap.state }
}

function resourceOf(deps: ActivityDeps, provider: string, name: string): Resource {
  const resource = deps.findProvider(provider)?.resources.find((one) => one.name === name)
  if (!resource)
    throw new HubError('InvalidInput', `This hub does not know the resource "${name}" of ${provider}.`)
  return resource
}

async function mappingOf(deps: ActivityDeps, remap: Remap, resource: Resource): Promise<FieldMapping> {
  if (remap.rules) return { model: resource.model, rules: remap.rules }
  if (remap.mappingVersion === 0) return resource.mapping
  const { connectionId, mappingVersion: version } = remap
  const stored = await getMappingVersion(deps.database.db, {
    connectionId,
    resource: resource.name,
    direction: 'in',
    version,
  })
  if (!stored) throw new HubError('InvalidInput', `There is no version ${version} of this mapping.`)
  return { model: resource.model, rules: stored.rules }
}

/** Batches for about 20 s; each commits with its position. */
async function remapSlice(
  deps: ActivityDeps,
  { remapId }: RemapKey,
  signal: AbortSignal,
): Promise<RemapProgress> {
  const { db } = deps.database
  let remap = await load(deps, remapId)
  const { provider } = await describeConnection(deps, remap)
  const mapping = await mappingOf(deps, remap, resourceOf(deps, provider, remap.resource))
  const until = deps.clock.now().getTime() + sliceMs
  let done = remap.state !== 'running'
  while (!done && !signal.aborted && deps.clock.now().getTime() < until) {
    const records = await recordsAfter(db, { ...remap, limit: batchSize })
    if (records.length > 0) await commitRemapBatch(db, remap, lookAt(records, mapping, remap))
    done = records.length < batchSize
    remap = await load(deps, remapId)
  }
  const { scanned, changed, troubled, expected } = remap
  const isBeingRead = await isReading(db, remap.connectionId, remap.resource)
  return { done, scanned, changed, troubled, expected, isBeingRead }
}

/** What a mapping would make of a record, and how that differs from what is stored. */
export function remapped(record: MappedRecord, mapping: FieldMapping) {
  const { mapped, problems } = applyMapping(mapping, record.raw)
  // What is stored went through JSON; so must what it is compared with.
  const after = JSON.parse(JSON.stringify(mapped)) as JsonObject
  const isSame = canonicalJson(after) === canonicalJson(record.mapped)
  return { after, problems, fields: isSame ? [] : diffFields(record.mapped, after) }
}

function lookAt(records: readonly MappedRecord[], mapping: FieldMapping, remap: Remap): RemapBatch {
  const changedFields: Record<string, number> = {}
  const problemCounts: Record<string, number> = {}
  const changes: { externalId: string; version: number; mapped: JsonObject }[] = []
  const unchanged: { externalId: string; version: number }[] = []
  const samples: JsonObject[] = []
  let troubled = 0
  for (const record of records) {
    const { externalId, version } = record
    const { after, problems, fields } = remapped(record, mapping)
    if (problems.length > 0) troubled++
    for (const problem of problems) problemCounts[problem] = (problemCounts[problem] ?? 0) + 1
    for (const field of fields) changedFields[field] = (changedFields[field] ?? 0) + 1
    if (fields.length === 0) {
      unchanged.push({ externalId, version })
      continue
    }
    changes.push({ externalId, version, mapped: after })
    if (remap.dryRun && samples.length < 20)
      samples.push({ externalId, fields: diffOf(record.mapped, after, fields) })
  }
  const lastId = records.at(-1)?.externalId ?? remap.afterId
  const counts = { changedFields, problems: problemCounts, troubled, scanned: records.length }
  return { afterId: remap.afterId, lastId, ...counts, samples, changes, unchanged }
}

const diffOf = (before: JsonObject, after: JsonObject, fields: readonly string[]): JsonObject[] =>
  fields.map((field) => ({ field, before: before[field] ?? null, after: after[field] ?? null }))

/**
 * After the walk: records that a sync wrote with the mapping before, because it had begun earlier. When there are some,
 * the walk begins again; answers how many there are.
 */
async function sweepRemap(deps: ActivityDeps, { remapId }: RemapKey): Promise<{ readonly left: number }> {
  const { db } = deps.database
  const remap = await load(deps, remapId)
  if (remap.dryRun || remap.state !== 'running') return { left: 0 }
  const left = await countOtherwiseMapped(db, remap)
  if (left > 0) await restartRemap(db, remap)
  return { left }
}

async function closeRemap(
  deps: ActivityDeps,
  {
    remapId,
    state,
    failure,
  }: RemapKey & { readonly state: Exclude<RemapState, 'running'>; readonly failure: FailureNote | null },
): Promise<void> {
  const remap = await load(deps, remapId)
  await asTenant(deps.database.db, remap.partnerId, async (tx) => {
    if (!(await endRemap(tx, remapId, state, failure))) return
    await appendAudit(tx, {
      actor: remap.startedBy,
      action: `remap.${state}`,
      subject: remapId,
      partnerId: remap.partnerId,
      details: {
        connectionId: remap.connectionId,
        resource: remap.resource,
        dryRun: remap.dryRun,
        changed: remap.changed,
      },
    })
  })
}

export interface DescribeFieldsInput {
  readonly connectionId: string
  readonly resource: string
}

/** Asks the provider which fields objects of a resource have in this account, and keeps the answer. */
async function describeFields(
  deps: ActivityDeps,
  { connectionId, resource: name }: DescribeFieldsInput,
  signal: AbortSignal,
): Promise<{ readonly fields: number }> {
  const { connection, provider, context } = await openSession(deps, connectionId, {
    priority: 'interactive',
    signal,
  })
  const resource = resourceOf(deps, provider.slug, name)
  if (!resource.describe)
    throw new HubError('Invalid', `${provider.name} has no way to describe the fields of ${name}.`)
  const fields = await resource.describe(context)
  await asTenant(deps.database.db, connection.partnerId, (tx) =>
    putFields(
      tx,
      { connectionId, resource: name, partnerId: connection.partnerId },
      fields.map((field) => ({ ...field }) as unknown as JsonObject),
    ),
  )
  return { fields: fields.length }
}

export function createRemapActivities(deps: ActivityDeps) {
  return {
    describeRemap: failing((input: RemapKey) => describeRemap(deps, input)),
    remapSlice: failing((input: RemapKey) => whileBeating((signal) => remapSlice(deps, input, signal))),
    sweepRemap: failing((input: RemapKey) => sweepRemap(deps, input)),
    closeRemap: failing((input: Parameters<typeof closeRemap>[1]) => closeRemap(deps, input)),
    describeFields: failing((input: DescribeFieldsInput) =>
      whileBeating((signal) => describeFields(deps, input, signal)),
    ),
  }
}
