/** All else: properties, owners, pipelines, associations, lists, mails, enrolments, events, the account. */
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import type { Handler, Route, SimulatorReply, SimulatorRequest } from '../../sandbox/kit.ts'
import {
  changeMembers,
  getList,
  getMail,
  listEvents,
  listMails,
  membersOf,
  pageOf,
  searchLists,
} from './simulator-marketing.ts'
import {
  archiveObject,
  batch,
  bodyIn,
  createObject,
  getObject,
  inputsOf,
  listObjects,
  notFound,
  ofType,
  ok,
  patchObject,
  refuse,
  search,
  type Scene,
} from './simulator-objects.ts'
import { linkKey, linkedTo, type Portal } from './simulator-portal.ts'
import {
  dealStages,
  isObjectType,
  linkOf,
  portalId,
  singular,
  ticketStages,
  type ObjectType,
  type Stage,
  wordOf,
} from './simulator-types.ts'

const listProperties = ofType(({ portal }, type) => ({
  status: 200,
  body: {
    results: [...portal.others.definitions]
      .filter(([key]) => key.startsWith(`${type}/`))
      .map(([, value]) => value),
  },
}))

const createProperty = ofType(({ portal }, type, request) => {
  const given = bodyIn(request)
  const { name } = given
  if (typeof name !== 'string' || !/^[a-z][a-z0-9_]{0,99}$/.test(name))
    return refuse(400, 'VALIDATION_ERROR', 'name is invalid')
  const key = `${type}/${name}`
  if (portal.others.definitions.has(key))
    return refuse(409, 'OBJECT_ALREADY_EXISTS', `A property named ${name} already exists`)
  const meta = { archivable: true, readOnlyDefinition: false, readOnlyValue: false }
  const made: JsonObject = {
    options: [],
    calculated: false,
    hasUniqueValue: false,
    hubspotDefined: false,
    archived: false,
    modificationMetadata: meta,
    ...given,
  }
  portal.keep('definitions', key, made)
  return ok(made, 201)
})

const listOwners: Handler<Scene> = ({ portal, page }, request) =>
  pageOf(request.query.get('archived') === 'true' ? [] : [...portal.others.owners.values()], request, page)

const getOwner: Handler<Scene> = ({ portal }, _request, [id = '']) => {
  const owner = portal.others.owners.get(id)
  return owner ? ok(owner) : notFound('owner')
}

const pipeline = (id: string, label: string, stages: readonly Stage[]): JsonObject => ({
  id,
  label,
  displayOrder: 0,
  createdAt: '2025-01-01T00:00:00.000Z',
  updatedAt: '2025-01-01T00:00:00.000Z',
  archived: false,
  stages: stages.map((stage, displayOrder) => ({
    id: stage.id,
    label: stage.label,
    displayOrder,
    archived: false,
    createdAt: '2025-01-01T00:00:00.000Z',
    updatedAt: '2025-01-01T00:00:00.000Z',
    metadata: { probability: String(stage.probability), isClosed: String(stage.isClosed) },
  })),
})

const pipelines = ofType((_scene, type) =>
  ok({
    results:
      type === 'deals'
        ? [pipeline('default', 'Sales pipeline', dealStages)]
        : type === 'tickets'
          ? [pipeline('0', 'Support pipeline', ticketStages)]
          : [],
  }),
)

// ------------------------------------------------------------------------------------------ associations

/** A handler for paths with two object types. */
const ofPair =
  (
    work: (scene: Scene, from: ObjectType, to: ObjectType, request: SimulatorRequest) => SimulatorReply,
  ): Handler<Scene> =>
  (scene, request, [from = '', to = '']) =>
    isObjectType(from) && isObjectType(to) && linkOf(from, to)
      ? work(scene, from, to, request)
      : refuse(400, 'VALIDATION_ERROR', `${from} and ${to} cannot be associated`)

const readAssociations = ofPair(({ portal, now }, from, to, request) => {
  const results: JsonObject[] = []
  const missing: string[] = []
  for (const { id } of inputsOf(request)) {
    const fromId = wordOf(id)
    const ends = linkedTo(portal, from, fromId, to)
    if (ends.length === 0) missing.push(fromId)
    const byId = new Map<string, JsonObject[]>()
    for (const { toId, typeId, category, label } of ends)
      byId.set(toId, [...(byId.get(toId) ?? []), { category, typeId, label }])
    if (ends.length > 0)
      results.push({
        from: { id: fromId },
        to: [...byId].map(([toId, types]) => ({ toObjectId: Number(toId), associationTypes: types })),
      })
  }
  const at = now().toISOString()
  const head = { status: 'COMPLETE', results, startedAt: at, completedAt: at }
  if (missing.length === 0) return ok(head)
  const errors = missing.map((id) => ({
    status: 'error',
    category: 'OBJECT_NOT_FOUND',
    subCategory: 'crm.associations.NO_ASSOCIATIONS_FOUND',
    message: `No ${singular[to]} is associated with ${singular[from]} ${id}.`,
    context: { fromObjectId: [id], fromObjectType: [from], toObjectType: [to] },
  }))
  return ok({ ...head, numErrors: errors.length, errors }, 207)
})

/** The key under which a pair is kept, whichever end is named first. */
function keyOf(from: ObjectType, fromId: string, to: ObjectType, toId: string, typeId?: number): string {
  const link = linkOf(from, to)
  if (!link) return ''
  const plain = typeId === undefined || typeId === link.forth || typeId === link.back
  const kept = plain ? link.forth : typeId
  return link.isForth ? linkKey(from, fromId, to, toId, kept) : linkKey(to, toId, from, fromId, kept)
}

function keepLink(
  portal: Portal,
  from: ObjectType,
  fromId: string,
  to: ObjectType,
  toId: string,
  typeId?: number,
  category = 'HUBSPOT_DEFINED',
): void {
  const key = keyOf(from, fromId, to, toId, typeId)
  const kept = Number(key.split(':')[4])
  const label = category === 'HUBSPOT_DEFINED' ? null : `Label ${kept}`
  if (!portal.others.links.has(key)) portal.keep('links', key, { category, typeId: kept, label })
}

const isThere = (portal: Portal, type: ObjectType, id: string): boolean =>
  portal.objects[type].get(id)?.archived === null

const associateDefault: Handler<Scene> = (
  { portal },
  _request,
  [from = '', fromId = '', to = '', toId = ''],
) => {
  if (!isObjectType(from) || !isObjectType(to) || !linkOf(from, to))
    return refuse(400, 'VALIDATION_ERROR', 'cannot be associated')
  if (!isThere(portal, from, fromId) || !isThere(portal, to, toId)) return notFound()
  keepLink(portal, from, fromId, to, toId)
  return ok({ status: 'COMPLETE', results: [{ from: { id: fromId }, to: { id: toId } }] })
}

const idIn = (value: unknown): string => (isJsonObject(value) ? wordOf(value['id']) : '')

const createAssociations = ofPair(({ portal }, from, to, request) => {
  for (const input of inputsOf(request)) {
    const [fromId, toId] = [idIn(input['from']), idIn(input['to'])]
    if (!isThere(portal, from, fromId) || !isThere(portal, to, toId)) return notFound()
    const types = Array.isArray(input['types']) ? input['types'].filter(isJsonObject) : []
    for (const type of types)
      keepLink(
        portal,
        from,
        fromId,
        to,
        toId,
        Number(type['associationTypeId']),
        wordOf(type['associationCategory']),
      )
  }
  return ok({ status: 'COMPLETE', results: [] }, 201)
})

/** Ends every association of a pair. */
const archiveAssociations = ofPair(({ portal }, from, to, request) => {
  for (const input of inputsOf(request))
    for (const toId of (Array.isArray(input['to']) ? input['to'] : []).map(idIn))
      for (const key of portal.linksAt(from, idIn(input['from'])))
        if (portal.linksAt(to, toId).has(key)) portal.keep('links', key, null)
  return { status: 204 }
})

const archiveLabels = ofPair(({ portal }, from, to, request) => {
  for (const input of inputsOf(request))
    for (const type of Array.isArray(input['types']) ? input['types'].filter(isJsonObject) : []) {
      const key = keyOf(from, idIn(input['from']), to, idIn(input['to']), Number(type['associationTypeId']))
      if (portal.others.links.has(key)) portal.keep('links', key, null)
    }
  return { status: 204 }
})

const kept =
  (kind: 'sent' | 'enrollments', answer: (id: string, body: JsonObject) => SimulatorReply): Handler<Scene> =>
  ({ portal, now }, request, parts) => {
    const id = parts.length > 0 ? parts.join('/') : String(portal.changes() + 1)
    portal.keep(kind, id, { ...bodyIn(request), at: now().toISOString() })
    return answer(id, bodyIn(request))
  }

const sendSingle = kept('sent', (id) =>
  ok({ status: 'COMPLETE', statusId: id, sendResult: 'SENT', requestedAt: new Date(0).toISOString() }),
)
const sendEvent = kept('sent', () => ({ status: 204 }))
const defineEvent = kept('sent', (_id, body) =>
  ok({ ...body, fullyQualifiedName: `pe${portalId}_${wordOf(body['name'])}`, archived: false }),
)
const enrol = kept('enrollments', () => ({ status: 204 }))

const unenrol: Handler<Scene> = ({ portal }, _request, parts) => {
  portal.keep('enrollments', parts.join('/'), null)
  return { status: 204 }
}

const enrolInSequence: Handler<Scene> = ({ portal, now }, request) => {
  const body = bodyIn(request)
  const contactId = wordOf(body['contactId'])
  if (!isThere(portal, 'contacts', contactId)) return notFound('contact')
  const made: JsonObject = {
    id: String(portal.changes() + 1),
    toEmail: portal.objects.contacts.get(contactId)?.properties['email'] ?? '',
    enrolledAt: now().toISOString(),
    updatedAt: now().toISOString(),
  }
  portal.keep('enrollments', `sequence/${contactId}`, { ...made, ...body })
  return ok(made)
}

const sequenceOf: Handler<Scene> = ({ portal }, _request, [contactId = '']) => {
  const found = portal.others.enrollments.get(`sequence/${contactId}`)
  return found ? ok(found) : notFound('enrollment')
}

const details: Handler<Scene> = () =>
  ok({
    portalId,
    accountType: 'STANDARD',
    timeZone: 'US/Eastern',
    companyCurrency: 'USD',
    additionalCurrencies: ['EUR'],
    utcOffset: '-05:00',
    utcOffsetMilliseconds: -18_000_000,
    uiDomain: 'app.hubspot.com',
    dataHostingLocation: 'na1',
  })

const usage: Handler<Scene> = ({ portal, now }) =>
  ok({
    results: [
      {
        name: 'private-apps-api-calls-daily',
        usageLimit: 250_000,
        currentUsage: portal.changes(),
        collectedAt: now().toISOString(),
        fetchStatus: 'SUCCESS',
        resetsAt: now().toISOString(),
      },
    ],
  })

const v = ':version'
export const routes: readonly Route<Scene>[] = [
  ['GET', `/account-info/${v}/details`, details],
  ['GET', `/account-info/${v}/api-usage/daily/private-apps`, usage],
  ['POST', `/crm/objects/${v}/:type/search`, (scene, request, [, ...parts]) => search(scene, request, parts)],
  [
    'POST',
    `/crm/objects/${v}/:type/batch/:operation`,
    (scene, request, [, ...parts]) => batch(scene, request, parts),
  ],
  [
    'PUT',
    `/crm/objects/${v}/:type/:object/associations/default/:other/:end`,
    (scene, request, [, ...parts]) => associateDefault(scene, request, parts),
  ],
  ['GET', `/crm/objects/${v}/:type`, (scene, request, [, ...parts]) => listObjects(scene, request, parts)],
  ['POST', `/crm/objects/${v}/:type`, (scene, request, [, ...parts]) => createObject(scene, request, parts)],
  [
    'GET',
    `/crm/objects/${v}/:type/:object`,
    (scene, request, [, ...parts]) => getObject(scene, request, parts),
  ],
  [
    'PATCH',
    `/crm/objects/${v}/:type/:object`,
    (scene, request, [, ...parts]) => patchObject(scene, request, parts),
  ],
  [
    'DELETE',
    `/crm/objects/${v}/:type/:object`,
    (scene, request, [, ...parts]) => archiveObject(scene, request, parts),
  ],
  [
    'GET',
    `/crm/properties/${v}/:type`,
    (scene, request, [, ...parts]) => listProperties(scene, request, parts),
  ],
  [
    'POST',
    `/crm/properties/${v}/:type`,
    (scene, request, [, ...parts]) => createProperty(scene, request, parts),
  ],
  ['GET', `/crm/owners/${v}`, listOwners],
  ['GET', `/crm/owners/${v}/:owner`, (scene, request, [, ...parts]) => getOwner(scene, request, parts)],
  ['GET', `/crm/pipelines/${v}/:type`, (scene, request, [, ...parts]) => pipelines(scene, request, parts)],
  [
    'POST',
    `/crm/associations/${v}/:type/:other/batch/read`,
    (scene, request, [, ...parts]) => readAssociations(scene, request, parts),
  ],
  [
    'POST',
    `/crm/associations/${v}/:type/:other/batch/create`,
    (scene, request, [, ...parts]) => createAssociations(scene, request, parts),
  ],
  [
    'POST',
    `/crm/associations/${v}/:type/:other/batch/archive`,
    (scene, request, [, ...parts]) => archiveAssociations(scene, request, parts),
  ],
  [
    'POST',
    `/crm/associations/${v}/:type/:other/batch/labels/archive`,
    (scene, request, [, ...parts]) => archiveLabels(scene, request, parts),
  ],
  ['POST', `/crm/lists/${v}/search`, searchLists],
  ['GET', `/crm/lists/${v}/:list`, (scene, request, [, ...parts]) => getList(scene, request, parts)],
  [
    'GET',
    `/crm/lists/${v}/:list/memberships/join-order`,
    (scene, request, [, ...parts]) => membersOf(scene, request, parts),
  ],
  [
    'PUT',
    `/crm/lists/${v}/:list/memberships/:operation`,
    (scene, request, [, ...parts]) => changeMembers(scene, request, parts),
  ],
  ['GET', `/marketing/emails/${v}`, listMails],
  ['GET', `/marketing/emails/${v}/:email`, (scene, request, [, ...parts]) => getMail(scene, request, parts)],
  [
    'POST',
    `/marketing/transactional/${v}/single-email/send`,
    (scene, request) => sendSingle(scene, request, []),
  ],
  ['GET', '/email/public/v1/events', listEvents],
  ['POST', `/automation/sequences/${v}/enrollments`, enrolInSequence],
  [
    'GET',
    `/automation/sequences/${v}/enrollments/contact/:contact`,
    (scene, request, [, ...parts]) => sequenceOf(scene, request, parts),
  ],
  ['POST', '/automation/v2/workflows/:workflow/enrollments/contacts/:email', enrol],
  ['DELETE', '/automation/v2/workflows/:workflow/enrollments/contacts/:email', unenrol],
  ['POST', `/events/${v}/send`, (scene, request) => sendEvent(scene, request, [])],
  ['POST', `/events/${v}/event-definitions`, (scene, request) => defineEvent(scene, request, [])],
]
