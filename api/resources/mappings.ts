/** Field mappings: shown, drafted, tried, counted, published; fields described; re-mappings looked after. */
import { appendAudit } from '../../db/audit.ts'
import { inTransaction } from '../../db/client.ts'
import type { Connection } from '../../db/connections.ts'
import { getFields } from '../../db/field-descriptions.ts'
import {
  addMappingDraft,
  getLiveMapping,
  getMappingVersion,
  listMappingVersions as selectVersions,
  publishMapping as setLive,
  type MappingDirection,
  type StoredMapping,
} from '../../db/mappings.ts'
import {
  createRemap,
  endRemap,
  getRemap as findRemap,
  listRemaps as selectRemaps,
  sampleRecords,
  type Remap,
} from '../../db/remaps.ts'
import { diffFields } from '../../model/diff.ts'
import { canonicalJson, type JsonObject } from '../../model/json.ts'
import { checkMapping, checkOutward } from '../../model/mapping-check.ts'
import { applyMapping, explainMapping, type FieldRule } from '../../model/mapping.ts'
import type { components } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import { newId } from '../../platform/new-id.ts'
import type { Resource } from '../../providers/contract.ts'
import { workflowIds } from '../../workflows/client.ts'
import type { Caller } from '../caller.ts'
import type { ApiDeps } from '../deps.ts'
import { etagOf, isMatch } from '../etag.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'
import { invalidInput } from '../problem.ts'
import { livingConnection, providerOf, usableConnection } from './find.ts'

type Schemas = components['schemas']

const time = (at: Date | null): string | null => at?.toISOString() ?? null

/** A resource of a living connection. @throws HubError `NoSuchThing` with the names that there are. */
export async function resourceOf(
  deps: ApiDeps,
  path: { readonly connectionId: string; readonly resource: string },
): Promise<{ readonly connection: Connection; readonly resource: Resource }> {
  const connection = await livingConnection(deps, path.connectionId)
  const provider = providerOf(deps, connection)
  const resource = provider.resources.find(({ name }) => name === path.resource)
  if (resource) return { connection, resource }
  const names = provider.resources.map(({ name }) => name).join(', ')
  throw new HubError('NoSuchThing', `${provider.name} has no resource "${path.resource}". It has: ${names}.`)
}

interface Place {
  readonly connection: Connection
  readonly resource: Resource
  readonly direction: MappingDirection
}

const keyOf = ({ connection, resource, direction }: Place) => ({
  connectionId: connection.connectionId,
  resource: resource.name,
  direction,
})

/** @throws HubError `NoSuchThing` for a mapping outwards of a resource that is not written. */
async function placeOf(
  deps: ApiDeps,
  path: { readonly connectionId: string; readonly resource: string },
  direction: MappingDirection = 'in',
): Promise<Place> {
  const { connection, resource } = await resourceOf(deps, path)
  if (direction === 'out' && !resource.write)
    throw new HubError('NoSuchThing', `${resource.title} are not written: there is no mapping outwards.`)
  return { connection, resource, direction }
}

const defaultRules = ({ resource, direction }: Place): readonly FieldRule[] =>
  (direction === 'in' ? resource.mapping : resource.write?.mapping)?.rules ?? []

function showMapping(place: Place, stored: StoredMapping | undefined): Schemas['Mapping'] {
  const { connection, resource, direction } = place
  const rules = stored?.rules ?? defaultRules(place)
  return {
    connectionId: connection.connectionId,
    resource: resource.name,
    direction,
    model: resource.model,
    version: stored?.version ?? 0,
    state: stored?.state ?? 'default',
    // What is stored has passed the same schema.
    rules: rules as unknown as Schemas['FieldRule'][],
    sources: direction === 'in' ? { ...explainMapping({ model: resource.model, rules }) } : {},
    createdBy: stored?.createdBy ?? null,
    createdAt: time(stored?.createdAt ?? null),
    publishedAt: time(stored?.publishedAt ?? null),
  }
}

export const getMapping: Handler<'getMapping'> = async (deps, { path, query }) => {
  const place = await placeOf(deps, path, query.direction)
  const live = await getLiveMapping(deps.database.db, keyOf(place))
  return { status: 200, body: showMapping(place, live), headers: { ETag: `"${live?.version ?? 0}"` } }
}

/** @throws InvalidInput with a line for each rule that is wrong. */
function checkRules(place: Place, given: readonly unknown[]): readonly FieldRule[] {
  const rules = given as readonly FieldRule[]
  const mapping = { model: place.resource.model, rules }
  const problems = place.direction === 'in' ? checkMapping(mapping) : checkOutward(mapping)
  if (problems.length > 0)
    throw invalidInput(problems.map((detail) => ({ in: 'body', pointer: pointerTo(rules, detail), detail })))
  return rules
}

/** Problems begin with the field that they are about. */
function pointerTo(rules: readonly FieldRule[], detail: string): string {
  const index = rules.findIndex(({ to }) => detail.startsWith(`${to}:`))
  return index === -1 ? '/rules' : `/rules/${index}`
}

/** @throws HubError `PreconditionFailed` when another version is in force than the caller saw. */
function checkMatch(ifMatch: string | undefined, version: number): void {
  if (isMatch(ifMatch, etagOf({ version }))) return
  throw new HubError(
    'PreconditionFailed',
    `Version ${version} is in force by now. Read it again and decide anew.`,
  )
}

export const putMapping: Handler<'putMapping'> = async (deps, { path, query, header, body, caller }) => {
  const place = await placeOf(deps, path, query.direction)
  const rules = checkRules(place, body.rules)
  const key = keyOf(place)
  const draft = await inTransaction(deps.database.db, async (tx) => {
    checkMatch(header['If-Match'], (await getLiveMapping(tx, key))?.version ?? 0)
    const { partnerId } = place.connection
    const made = await addMappingDraft(tx, {
      ...key,
      partnerId,
      model: place.resource.model,
      rules,
      createdBy: caller.name,
    })
    await audit(deps, tx, caller, place, 'mapping.drafted', made.version)
    return made
  })
  const base = `/admin/v1/connections/${key.connectionId}/resources/${key.resource}/mapping`
  return { status: 201, body: showMapping(place, draft), headers: { Location: `${base}/versions` } }
}

async function audit(
  _deps: ApiDeps,
  tx: Parameters<typeof appendAudit>[0],
  caller: Caller,
  { connection, resource, direction }: Place,
  action: string,
  version: number,
): Promise<void> {
  await appendAudit(tx, {
    actor: caller.name,
    action,
    subject: connection.connectionId,
    partnerId: connection.partnerId,
    details: { resource: resource.name, direction, version },
  })
}

export const listMappingVersions: Handler<'listMappingVersions'> = async (deps, call) => {
  const before = positionOf(call, { version: 'int' })?.version
  const place = await placeOf(deps, call.path, call.query.direction)
  const rows = await selectVersions(deps.database.db, { ...keyOf(place), before, limit: rowsFor(call) })
  return listAnswer(
    call,
    rows,
    (row) => showMapping(place, row),
    ({ version }) => ({ version }),
  )
}

export const previewMapping: Handler<'previewMapping'> = async (deps, { path, body }) => {
  const place = await placeOf(deps, path)
  const rules = await rulesToTry(deps, place, body)
  const { connectionId } = place.connection
  const records = await sampleRecords(deps.database.db, {
    connectionId,
    resource: place.resource.name,
    externalIds: body.externalIds,
    limit: body.limit ?? 10,
  })
  const mapping = { model: place.resource.model, rules }
  const items = records.map(({ externalId, raw, mapped: before }) => {
    const { mapped, problems } = applyMapping(mapping, raw)
    const after = JSON.parse(JSON.stringify(mapped)) as JsonObject
    const changedFields = canonicalJson(after) === canonicalJson(before) ? [] : diffFields(before, after)
    return { externalId, before, after, changedFields, problems: [...problems] }
  })
  const changed = items.filter((item) => item.changedFields.length > 0).length
  const troubled = items.filter((item) => item.problems.length > 0).length
  return { status: 200, body: { records: items.length, changed, troubled, items } }
}

async function rulesToTry(
  deps: ApiDeps,
  place: Place,
  body: Schemas['MappingPreviewRequest'],
): Promise<readonly FieldRule[]> {
  if (body.rules && body.version !== undefined)
    throw invalidInput([{ in: 'body', pointer: '/version', detail: 'goes without rules: give one of them' }])
  if (body.rules) return checkRules(place, body.rules)
  if (body.version === undefined)
    throw invalidInput([{ in: 'body', pointer: '/rules', detail: 'or version is needed' }])
  return (await versionOf(deps, place, body.version))?.rules ?? defaultRules(place)
}

/** Undefined for version 0. @throws HubError `NoSuchThing`. */
async function versionOf(deps: ApiDeps, place: Place, version: number): Promise<StoredMapping | undefined> {
  if (version === 0) return undefined
  const stored = await getMappingVersion(deps.database.db, { ...keyOf(place), version })
  if (stored) return stored
  throw new HubError('NoSuchThing', `There is no version ${version} of this mapping.`)
}

export const planMapping: Handler<'planMapping'> = async (deps, { path, body, caller }) => {
  const place = await placeOf(deps, path)
  const rules = checkRules(place, body.rules)
  const remap = await beginRemap(deps, place, { rules, mappingVersion: 0, dryRun: true }, caller)
  const headers = { Location: `/admin/v1/remaps/${remap.remapId}` }
  return { status: 202, body: showRemap(deps, remap), headers }
}

async function beginRemap(
  deps: ApiDeps,
  { connection, resource }: Place,
  wish: Pick<Remap, 'rules' | 'mappingVersion' | 'dryRun'>,
  caller: Caller,
): Promise<Remap> {
  const { db } = deps.database
  const remap = await createRemap(db, {
    ...wish,
    remapId: newId('remap'),
    resource: resource.name,
    startedBy: caller.name,
    connection,
  })
  try {
    await deps.temporal.startRemap({ ...connection, ...remap, name: connection.name })
  } catch (error) {
    const failure = error instanceof HubError ? { code: error.code, message: error.message } : null
    await endRemap(db, remap.remapId, 'failed', failure)
    throw error
  }
  return remap
}

export const publishMapping: Handler<'publishMapping'> = async (deps, { path, query, header, caller }) => {
  const place = await placeOf(deps, path, query.direction)
  const { version } = path
  const stored = await versionOf(deps, place, version)
  await inTransaction(deps.database.db, async (tx) => {
    checkMatch(header['If-Match'], (await getLiveMapping(tx, keyOf(place)))?.version ?? 0)
    await setLive(tx, { ...keyOf(place), version })
    await audit(deps, tx, caller, place, 'mapping.published', version)
  })
  const mapping = showMapping(place, stored && { ...stored, state: 'live', publishedAt: new Date() })
  if (place.direction === 'out') return { status: 202, body: { mapping, remap: null } }
  const remap = await beginRemap(deps, place, { rules: null, mappingVersion: version, dryRun: false }, caller)
  return { status: 202, body: { mapping, remap: showRemap(deps, remap) } }
}

function showRemap({ temporal }: ApiDeps, remap: Remap): Schemas['Remap'] {
  const { partnerId: _partner, accountId: _account, rules: _rules, afterId: _after, ...rest } = remap
  return {
    ...rest,
    changedFields: { ...remap.changedFields },
    problems: { ...remap.problems },
    samples: [...remap.samples],
    startedAt: remap.startedAt.toISOString(),
    endedAt: time(remap.endedAt),
    temporalUrl: temporal.workflowLink(workflowIdOf(remap)),
  }
}

const workflowIdOf = ({ dryRun, remapId, connectionId, resource }: Remap): string =>
  dryRun ? workflowIds.dryRemap(remapId) : workflowIds.remapRecords(connectionId, resource)

export const listRemaps: Handler<'listRemaps'> = async (deps, call) => {
  const before = positionOf(call, { remapId: 'string' })?.remapId
  const { connectionId } = await livingConnection(deps, call.path.connectionId)
  const rows = await selectRemaps(deps.database.db, { connectionId, before, limit: rowsFor(call) })
  return listAnswer(
    call,
    rows,
    (row) => showRemap(deps, row),
    ({ remapId }) => ({ remapId }),
  )
}

async function remapOf({ database }: ApiDeps, remapId: string): Promise<Remap> {
  const remap = await findRemap(database.db, remapId)
  if (!remap) throw new HubError('NoSuchThing', `There is no re-mapping "${remapId}".`)
  return remap
}

export const getRemap: Handler<'getRemap'> = async (deps, { path }) => ({
  status: 200,
  body: showRemap(deps, await remapOf(deps, path.remapId)),
})

export const cancelRemap: Handler<'cancelRemap'> = async (deps, { path }) => {
  const remap = await remapOf(deps, path.remapId)
  if (remap.state !== 'running') throw new HubError('StateConflict', 'The re-mapping has ended already.')
  await deps.temporal.cancelRemap(workflowIdOf(remap))
  return { status: 202, body: showRemap(deps, remap) }
}

export const listFields: Handler<'listFields'> = async (deps, { path }) => {
  const { connection, resource } = await resourceOf(deps, path)
  return { status: 200, body: await showFields(deps, connection, resource) }
}

async function showFields(
  deps: ApiDeps,
  { connectionId }: Connection,
  { name }: Resource,
): Promise<Schemas['FieldList']> {
  const stored = await getFields(deps.database.db, { connectionId, resource: name })
  const items = (stored?.fields ?? []) as unknown as Schemas['FieldList']['items']
  return { items, describedAt: time(stored?.describedAt ?? null) }
}

export const describeFields: Handler<'describeFields'> = async (deps, { path }) => {
  const { resource } = await resourceOf(deps, path)
  const connection = await usableConnection(deps, path.connectionId)
  if (!resource.describe)
    throw new HubError('StateConflict', `The fields of ${resource.title} cannot be asked for.`)
  await deps.temporal.describeFields(connection, resource.name)
  return { status: 200, body: await showFields(deps, connection, resource) }
}
