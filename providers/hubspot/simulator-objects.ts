/** The CRM's objects over HTTP: lists, reads, writes, batches, search. */
import { randomUUID } from 'node:crypto'
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import type { Handler, SimulatorReply, SimulatorRequest } from '../../sandbox/kit.ts'
import { linkedTo, living, newObject, shown, withValues, type Portal } from './simulator-portal.ts'
import { isObjectType, modifiedOf, type ObjectType, type Stored, wordOf } from './simulator-types.ts'

export interface Scene {
  readonly portal: Portal
  readonly now: () => Date
  /** Most rows of any page. */
  readonly page: number
  /** What changed later is not in the search index yet. */
  readonly indexedUntil: number
}

export const ok = (body: JsonObject, status = 200): SimulatorReply => ({ status, body })

export const refuse = (
  status: number,
  category: string,
  message: string,
  more: JsonObject = {},
): SimulatorReply => ({
  status,
  body: { status: 'error', message, correlationId: randomUUID(), category, ...more },
})

export const notFound = (what = 'resource'): SimulatorReply =>
  refuse(404, 'OBJECT_NOT_FOUND', `${what} not found`)
export const bodyIn = ({ body }: SimulatorRequest): JsonObject => (isJsonObject(body) ? body : {})
export const textsIn = (value: unknown): string[] =>
  Array.isArray(value)
    ? value.filter((one) => typeof one === 'string' || typeof one === 'number').map(String)
    : []
const listed = (text: string | null): string[] => (text === null || text === '' ? [] : text.split(','))
export const inputsOf = (request: SimulatorRequest): JsonObject[] => {
  const { inputs } = bodyIn(request)
  return Array.isArray(inputs) ? inputs.filter(isJsonObject) : []
}

/** A handler for paths that begin with an object type. */
export const ofType =
  (
    work: (
      scene: Scene,
      type: ObjectType,
      request: SimulatorRequest,
      parts: readonly string[],
    ) => SimulatorReply,
  ): Handler<Scene> =>
  (scene, request, [type = '', ...parts]) =>
    isObjectType(type)
      ? work(scene, type, request, parts)
      : refuse(400, 'VALIDATION_ERROR', `Unable to infer object type from: ${type}`)

const byId = (a: Stored, b: Stored): number => Number(a.id) - Number(b.id)

export const listObjects = ofType((scene, type, { query }) => {
  const isArchived = query.get('archived') === 'true'
  const after = Number(query.get('after') ?? 0)
  const limit = Math.min(Number(query.get('limit') ?? 10), 100, scene.page)
  const all = [...scene.portal.objects[type].values()]
    .filter(({ archived, id }) => (archived !== null) === isArchived && Number(id) > after)
    .sort(byId)
  const rows = all.slice(0, limit)
  const names = listed(query.get('properties'))
  const history = listed(query.get('propertiesWithHistory'))
  const results = rows.map((row) => ({
    ...shown(scene.portal, type, row, names, history),
    ...associationsOf(scene, type, row.id, listed(query.get('associations'))),
  }))
  const last = rows.at(-1)
  return ok({
    results,
    ...(all.length > limit && last ? { paging: { next: { after: last.id, link: '' } } } : {}),
  })
})

function associationsOf(
  { portal }: Scene,
  type: ObjectType,
  id: string,
  wanted: readonly string[],
): JsonObject {
  const found = Object.fromEntries(
    wanted.flatMap((to) => {
      const ends = isObjectType(to) ? linkedTo(portal, type, id, to) : []
      return ends.length === 0
        ? []
        : [[to, { results: ends.map(({ toId, typeId }) => ({ id: toId, type: String(typeId) })) }] as const]
    }),
  )
  return Object.keys(found).length > 0 ? { associations: found } : {}
}

const find = (
  { portal }: Scene,
  type: ObjectType,
  id: string,
  idProperty = 'hs_object_id',
): Stored | undefined =>
  idProperty === 'hs_object_id'
    ? portal.objects[type].get(id)
    : living(portal, type).find(
        ({ properties }) => properties[idProperty]?.toLowerCase() === id.toLowerCase(),
      )

export const getObject = ofType((scene, type, { query }, [id = '']) => {
  const object = find(scene, type, id, query.get('idProperty') ?? undefined)
  if (!object || object.archived !== null) return notFound()
  return ok({
    ...shown(
      scene.portal,
      type,
      object,
      listed(query.get('properties')),
      listed(query.get('propertiesWithHistory')),
    ),
    ...associationsOf(scene, type, id, listed(query.get('associations'))),
  })
})

/** Values as HubSpot keeps them: everything is text. */
const valuesIn = (value: unknown): { [name: string]: string } =>
  isJsonObject(value)
    ? Object.fromEntries(
        Object.entries(value).map(([name, one]) => [
          name,
          one === null ? '' : typeof one === 'string' ? one : JSON.stringify(one),
        ]),
      )
    : {}

/** Why values are refused; undefined when they are taken. */
function problemOf(
  { portal }: Scene,
  type: ObjectType,
  values: { [name: string]: string },
  own?: string,
): SimulatorReply | undefined {
  const unknown = Object.keys(values).filter((name) => !portal.others.definitions.has(`${type}/${name}`))
  if (unknown.length > 0) {
    const errors = unknown.map((name) => ({
      message: `Property "${name}" does not exist`,
      code: 'PROPERTY_DOESNT_EXIST',
      context: { propertyName: [name] },
    }))
    return refuse(400, 'VALIDATION_ERROR', 'Property values were not valid', { errors })
  }
  const { email } = values
  if (type === 'contacts' && email !== undefined && email !== '') {
    if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email))
      return refuse(400, 'VALIDATION_ERROR', `Property values were not valid: email "${email}"`, {
        errors: [
          {
            message: 'Email address is invalid',
            code: 'INVALID_EMAIL',
            context: { propertyName: ['email'] },
          },
        ],
      })
    const other = living(portal, type).find(
      ({ id, properties }) => id !== own && properties['email']?.toLowerCase() === email.toLowerCase(),
    )
    if (other) return refuse(409, 'CONFLICT', `Contact already exists. Existing ID: ${other.id}`)
  }
  return undefined
}

export function nextId({ portal }: Scene): string {
  let most = 1000
  for (const map of Object.values(portal.objects))
    for (const id of map.keys()) most = Math.max(most, Number(id))
  return String(most + 1)
}

function create(scene: Scene, type: ObjectType, values: { [name: string]: string }): Stored | SimulatorReply {
  const problem = problemOf(scene, type, values)
  if (problem) return problem
  const made = newObject(type, nextId(scene), values, scene.now().getTime())
  scene.portal.keepObject(type, made)
  return made
}

function update(
  scene: Scene,
  type: ObjectType,
  object: Stored,
  values: { [name: string]: string },
): Stored | SimulatorReply {
  const problem = problemOf(scene, type, values, object.id)
  if (problem) return problem
  // Two changes never share a moment: the property that moves has milliseconds.
  const at = Math.max(scene.now().getTime(), object.updated + 1)
  const changed = withValues(type, object, values, at, 'INTEGRATION')
  scene.portal.keepObject(type, changed)
  return changed
}

const isReply = (value: Stored | SimulatorReply): value is SimulatorReply =>
  'status' in value && typeof value.status === 'number'

const answer = (
  scene: Scene,
  type: ObjectType,
  result: Stored | SimulatorReply,
  status = 200,
): SimulatorReply =>
  isReply(result) ? result : ok(shown(scene.portal, type, result, Object.keys(result.properties)), status)

export const createObject = ofType((scene, type, request) =>
  answer(scene, type, create(scene, type, valuesIn(bodyIn(request)['properties'])), 201),
)

export const patchObject = ofType((scene, type, request, [id = '']) => {
  const object = find(scene, type, id, request.query.get('idProperty') ?? undefined)
  if (!object || object.archived !== null) return notFound()
  return answer(scene, type, update(scene, type, object, valuesIn(bodyIn(request)['properties'])))
})

/** An object that is gone already is answered 204 as well. */
export const archiveObject = ofType((scene, type, _request, [id = '']) => {
  const object = scene.portal.objects[type].get(id)
  if (object?.archived === null) scene.portal.keepObject(type, archivedAt(object, scene.now().getTime()))
  return { status: 204 }
})

export const archivedAt = (object: Stored, at: number): Stored => ({
  ...object,
  archived: at,
  updated: Math.max(at, object.updated + 1),
})

export const batch = ofType((scene, type, request, [operation = '']) => {
  const inputs = inputsOf(request)
  if (inputs.length === 0) return refuse(400, 'VALIDATION_ERROR', 'inputs must not be empty')
  if (inputs.length > 100)
    return refuse(
      400,
      'VALIDATION_ERROR',
      `The maximum number of inputs supported in a batch request for property histories is 100. Received ${inputs.length}.`,
    )
  if (operation === 'read') return readBatch(scene, type, request, inputs)
  if (operation === 'archive') return archiveBatch(scene, type, inputs)
  return writeBatch(scene, type, operation, inputs)
})

function readBatch(
  scene: Scene,
  type: ObjectType,
  request: SimulatorRequest,
  inputs: readonly JsonObject[],
): SimulatorReply {
  const { properties, propertiesWithHistory, idProperty } = bodyIn(request)
  const results: JsonObject[] = []
  const missing: string[] = []
  for (const { id } of inputs) {
    const text = typeof id === 'string' || typeof id === 'number' ? String(id) : ''
    const object = find(scene, type, text, typeof idProperty === 'string' ? idProperty : undefined)
    if (object && object.archived === null)
      results.push(shown(scene.portal, type, object, textsIn(properties), textsIn(propertiesWithHistory)))
    else missing.push(text)
  }
  const at = scene.now().toISOString()
  const head = { status: 'COMPLETE', startedAt: at, completedAt: at, results }
  if (missing.length === 0) return ok(head)
  const errors = [
    {
      status: 'error',
      category: 'OBJECT_NOT_FOUND',
      message: 'Could not get some objects, they may be deleted or not exist.',
      context: { ids: missing },
    },
  ]
  return ok({ ...head, numErrors: 1, errors }, 207)
}

function archiveBatch(scene: Scene, type: ObjectType, inputs: readonly JsonObject[]): SimulatorReply {
  for (const { id } of inputs) {
    const object = scene.portal.objects[type].get(wordOf(id))
    if (object?.archived === null) scene.portal.keepObject(type, archivedAt(object, scene.now().getTime()))
  }
  return { status: 204 }
}

function writeBatch(
  scene: Scene,
  type: ObjectType,
  operation: string,
  inputs: readonly JsonObject[],
): SimulatorReply {
  const results: JsonObject[] = []
  const errors: JsonObject[] = []
  for (const input of inputs) {
    const trace = input['objectWriteTraceId']
    const traced: JsonObject = typeof trace === 'string' ? { objectWriteTraceId: trace } : {}
    const { result, isNew } = writeOne(scene, type, operation, input)
    if (isReply(result)) {
      const said = isJsonObject(result.body) ? result.body : {}
      const context: JsonObject = typeof trace === 'string' ? { objectWriteTraceId: [trace] } : {}
      errors.push({ ...said, context })
    } else
      results.push({
        ...shown(scene.portal, type, result, Object.keys(result.properties)),
        new: isNew,
        ...traced,
      })
  }
  const at = scene.now().toISOString()
  return ok(
    {
      status: 'COMPLETE',
      startedAt: at,
      completedAt: at,
      results,
      ...(errors.length > 0 ? { numErrors: errors.length, errors } : {}),
    },
    errors.length > 0 ? 207 : operation === 'create' ? 201 : 200,
  )
}

function writeOne(
  scene: Scene,
  type: ObjectType,
  operation: string,
  input: JsonObject,
): { readonly result: Stored | SimulatorReply; readonly isNew: boolean } {
  const values = valuesIn(input['properties'])
  if (operation === 'create') return { result: create(scene, type, values), isNew: true }
  const idProperty = typeof input['idProperty'] === 'string' ? input['idProperty'] : undefined
  const id = typeof input['id'] === 'string' || typeof input['id'] === 'number' ? wordOf(input['id']) : ''
  if (idProperty !== undefined && !isUnique(scene, type, idProperty))
    return { result: refuse(400, 'VALIDATION_ERROR', `${idProperty} is not a unique property`), isNew: false }
  const known = find(scene, type, id, idProperty)
  if (known && known.archived === null) return { result: update(scene, type, known, values), isNew: false }
  if (operation !== 'upsert' || idProperty === undefined) return { result: notFound(), isNew: false }
  return { result: create(scene, type, { ...values, [idProperty]: id }), isNew: true }
}

function isUnique({ portal }: Scene, type: ObjectType, name: string): boolean {
  return portal.others.definitions.get(`${type}/${name}`)?.['hasUniqueValue'] === true
}

// ------------------------------------------------------------------------------------------------ search

interface Filter {
  readonly propertyName: string
  readonly operator: string
  readonly value: string
  readonly values: readonly string[]
  readonly highValue: string
}

const asFilter = (one: JsonObject): Filter => ({
  propertyName: wordOf(one['propertyName']),
  operator: wordOf(one['operator']),
  value: typeof one['value'] === 'string' || typeof one['value'] === 'number' ? wordOf(one['value']) : '',
  values: textsIn(one['values']),
  highValue:
    typeof one['highValue'] === 'string' || typeof one['highValue'] === 'number'
      ? wordOf(one['highValue'])
      : '',
})

/** Times as milliseconds, numbers as numbers, all else as text. */
function comparable(text: string): number | string {
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text)
  return /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : text.toLowerCase()
}

function passes(object: Stored, { propertyName, operator, value, values, highValue }: Filter): boolean {
  const own = object.properties[propertyName]
  if (operator === 'HAS_PROPERTY') return own !== undefined
  if (operator === 'NOT_HAS_PROPERTY') return own === undefined
  if (own === undefined) return operator === 'NEQ' || operator === 'NOT_IN'
  const [a, b] = [comparable(own), comparable(value)]
  if (operator === 'EQ') return a === b
  if (operator === 'NEQ') return a !== b
  if (operator === 'IN') return values.some((one) => comparable(one) === a)
  if (operator === 'NOT_IN') return !values.some((one) => comparable(one) === a)
  if (operator === 'CONTAINS_TOKEN') return String(a).includes(String(b).replaceAll('*', ''))
  if (operator === 'BETWEEN') return a >= b && a <= comparable(highValue)
  return operator === 'GTE' ? a >= b : operator === 'GT' ? a > b : operator === 'LTE' ? a <= b : a < b
}

export const search = ofType((scene, type, request) => {
  const { filterGroups, sorts, properties, limit = 10, after = 0 } = bodyIn(request)
  const count = Number(limit)
  const start = Number(after)
  if (count > 200) return refuse(400, 'VALIDATION_ERROR', 'limit must be at most 200')
  if (start + count > 10_000) return refuse(400, 'VALIDATION_ERROR', 'The maximum number of results is 10000')
  const groups = (Array.isArray(filterGroups) ? filterGroups : [])
    .filter(isJsonObject)
    .map(({ filters }) => (Array.isArray(filters) ? filters.filter(isJsonObject) : []).map(asFilter))
  const [sort] = Array.isArray(sorts) ? sorts.filter(isJsonObject) : []
  const name = typeof sort?.['propertyName'] === 'string' ? sort['propertyName'] : 'createdate'
  const sign = sort?.['direction'] === 'DESCENDING' ? -1 : 1
  const found = living(scene.portal, type)
    .filter(({ updated }) => updated <= scene.indexedUntil)
    .filter(
      (object) =>
        groups.length === 0 || groups.some((filters) => filters.every((filter) => passes(object, filter))),
    )
    .sort((a, b) => sign * compare(a.properties[name], b.properties[name]) || byId(a, b))
  const rows = found.slice(start, start + Math.min(count, scene.page))
  const end = start + rows.length
  return ok({
    total: found.length,
    results: rows.map((row) => shown(scene.portal, type, row, textsIn(properties))),
    ...(end < found.length ? { paging: { next: { after: String(end) } } } : {}),
  })
})

function compare(a: string | undefined, b: string | undefined): number {
  const [x, y] = [comparable(a ?? ''), comparable(b ?? '')]
  return x < y ? -1 : x > y ? 1 : 0
}

/** What `modifiedOf` names, for whoever edits from outside. */
export const touch = (type: ObjectType, object: Stored, at: number): Stored => ({
  ...object,
  updated: at,
  properties: { ...object.properties, [modifiedOf(type)]: new Date(at).toISOString() },
})
