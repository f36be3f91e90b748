/** What the simulated API does on writes of users and organizations. */
import type { JsonObject } from '../../model/json.ts'
import type { SimulatorReply, SimulatorRequest } from '../../sandbox/kit.ts'
import { time } from './simulator-objects.ts'
import { json, notFound, origin, recordInvalid } from './simulator-reads.ts'
import { part, textOf, type Writer } from './simulator-writer.ts'

/** The user of that address or external id with these fields, made when there is none. */
export function upsertUser(world: Writer, wanted: JsonObject): { id: number; isNew: boolean } {
  const { users } = world.tables
  const email = textOf(wanted['email'])?.toLowerCase()
  const externalId = textOf(wanted['external_id'])
  const [found] = [
    ...(email === undefined ? [] : users.find('email', email)),
    ...(externalId === undefined ? [] : users.find('external_id', externalId)),
  ]
  const at = world.tick()
  const id = found ?? users.nextId()
  const template = users.get(found ?? users.living()[1] ?? users.living()[0] ?? 0) ?? {}
  const fresh: JsonObject = {
    role: 'end-user',
    phone: null,
    external_id: null,
    tags: [],
    organization_id: null,
    created_at: time(at),
    user_fields: {},
  }
  const user = {
    ...template,
    ...(found === undefined ? fresh : {}),
    ...wanted,
    id,
    url: `${origin}/api/v2/users/${id}.json`,
    active: true,
    updated_at: time(at),
  }
  users.put(id, user, at)
  return { id, isNew: found === undefined }
}

/** `POST /api/v2/users/create_or_update`: 201 when made, 200 when found by email or external id. */
export function createOrUpdateUser(world: Writer, request: SimulatorRequest): SimulatorReply {
  const wanted = part(request, 'user')
  if (!wanted) return recordInvalid('base', 'BlankValue', 'user is missing')
  const email = textOf(wanted['email'])
  if (email !== undefined && !email.includes('@'))
    return recordInvalid('email', 'InvalidValue', `Email: ${email} is not properly formatted`)
  if (
    email === undefined &&
    textOf(wanted['external_id']) === undefined &&
    textOf(wanted['name']) === undefined
  )
    return recordInvalid('name', 'BlankValue', 'Name: cannot be blank')
  const { id, isNew } = upsertUser(world, wanted)
  return json({ user: world.tables.users.get(id) ?? {} }, isNew ? 201 : 200)
}

/** `PUT /api/v2/users/{id}`. */
export function updateUser(world: Writer, request: SimulatorRequest, id: number): SimulatorReply {
  const { users } = world.tables
  const user = users.get(id)
  const wanted = part(request, 'user')
  if (!user || users.isDeleted(id)) return notFound()
  if (!wanted) return recordInvalid('base', 'BlankValue', 'user is missing')
  const at = world.tick()
  users.put(id, { ...user, ...wanted, id, updated_at: time(at) }, at)
  return json({ user: users.get(id) ?? {} })
}

/** `POST /api/v2/organizations/create_or_update`: found by external id, or else by name; 201 when made, 200 when found. */
export function createOrUpdateOrganization(world: Writer, request: SimulatorRequest): SimulatorReply {
  const { organizations } = world.tables
  const wanted = part(request, 'organization')
  const name = textOf(wanted?.['name'])
  const externalId = textOf(wanted?.['external_id'])
  const [found] = [
    ...(externalId === undefined ? [] : organizations.find('external_id', externalId)),
    ...(name === undefined ? [] : organizations.find('name', name)),
  ]
  if (!wanted || (found === undefined && name === undefined))
    return recordInvalid('name', 'BlankValue', 'Name: cannot be blank')
  const at = world.tick()
  const id = found ?? organizations.nextId()
  const blank: JsonObject = {
    external_id: null,
    domain_names: [],
    details: '',
    notes: '',
    group_id: null,
    shared_tickets: false,
    shared_comments: false,
    tags: [],
    organization_fields: {},
    created_at: time(at),
  }
  const organization: JsonObject = {
    ...(found === undefined ? blank : organizations.get(found)),
    ...wanted,
    id,
    url: `${origin}/api/v2/organizations/${id}.json`,
    updated_at: time(at),
  }
  organizations.put(id, organization, at)
  return json({ organization }, found === undefined ? 201 : 200)
}
