/** What the simulated API does on writes of users and organizations. */
import type { JsonObject } from '../../model/json.ts'
import type { SimulatorReply, SimulatorRequest } from '../../sandbox/kit.ts'
import { time } from './simulator-objects.ts'
import { json, notFound, origin, recordInvalid } from './simulator-reads.ts'
import { addAddress } from './simulator-identities.ts'
import type { Table } from './simulator-table.ts'
import { part, textOf, type Writer } from './simulator-writer.ts'

/** Fields of a request that are no fields of the object (users.openapi.yaml, create_or_update). */
const withoutOrders = ({ skip_verify_email: _mail, ...wanted }: JsonObject): JsonObject => wanted

/** The refusal of an address, external id or name that another one has (as public clients of Zendesk record it: README [21]). */
function takenBy(
  table: Table,
  wanted: JsonObject,
  own: number | undefined,
  says: Readonly<Record<string, (value: string) => string>>,
): SimulatorReply | undefined {
  for (const [field, sentence] of Object.entries(says)) {
    const value = textOf(wanted[field])?.trim()
    if (value === undefined || table.find(field, value).every((id) => id === own)) continue
    return recordInvalid(field, 'DuplicateValue', sentence(value))
  }
  return undefined
}

const uniqueOfUsers = {
  email: (value: string) => `Email: ${value} is already being used by another user`,
  external_id: () => 'External has already been taken',
}
const uniqueOfOrganizations = {
  name: () => 'Name: has already been taken',
  external_id: () => 'External has already been taken',
}

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
    ...withoutOrders(wanted),
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
  const taken = takenBy(users, wanted, id, uniqueOfUsers)
  if (taken) return taken
  const { email, ...fields } = withoutOrders(wanted)
  // "Writeable on create only. On update, a secondary email is added" (users reference, as connectors of it quote the field).
  if (textOf(email) !== undefined && email !== user['email']) addAddress(world, id, textOf(email) ?? '')
  const at = world.tick()
  users.put(id, { ...user, ...fields, id, updated_at: time(at) }, at)
  return json({ user: users.get(id) ?? {} })
}

/** `POST /api/v2/users`: 201; never an existing user. */
export function createUser(world: Writer, request: SimulatorRequest): SimulatorReply {
  const wanted = part(request, 'user')
  if (!wanted || textOf(wanted['name']) === undefined)
    return recordInvalid('name', 'BlankValue', 'Name: cannot be blank')
  const taken = takenBy(world.tables.users, wanted, undefined, uniqueOfUsers)
  return taken ?? createOrUpdateUser(world, request)
}

/** `DELETE /api/v2/users/{id}`: 200 with the user, who is not active any more. */
export function deleteUser(world: Writer, id: number): SimulatorReply {
  const { users } = world.tables
  if (!users.has(id) || users.isDeleted(id)) return notFound()
  users.remove(id, world.tick())
  return json({ user: users.get(id) ?? {} })
}

/** `POST /api/v2/organizations/create_or_update`: found by id or external id, never by name; 201 when made, 200 when found. */
export function createOrUpdateOrganization(world: Writer, request: SimulatorRequest): SimulatorReply {
  const wanted = part(request, 'organization') ?? {}
  const { organizations } = world.tables
  const externalId = textOf(wanted['external_id'])
  const [byExternalId] = externalId === undefined ? [] : organizations.find('external_id', externalId)
  const byId = Number(wanted['id'])
  return putOrganization(world, wanted, organizations.has(byId) ? byId : byExternalId)
}

/** `POST /api/v2/organizations`: names are unique. */
export const createOrganization = (world: Writer, request: SimulatorRequest): SimulatorReply =>
  putOrganization(world, part(request, 'organization') ?? {}, undefined)

/** `PUT /api/v2/organizations/{id}`. */
export function updateOrganization(world: Writer, request: SimulatorRequest, id: number): SimulatorReply {
  const { organizations } = world.tables
  if (!organizations.has(id) || organizations.isDeleted(id)) return notFound()
  return putOrganization(world, part(request, 'organization') ?? {}, id)
}

/** `DELETE /api/v2/organizations/{id}`: 204. */
export function deleteOrganization(world: Writer, id: number): SimulatorReply {
  const { organizations } = world.tables
  if (!organizations.has(id) || organizations.isDeleted(id)) return notFound()
  organizations.remove(id, world.tick())
  return { status: 204 }
}

function putOrganization(world: Writer, wanted: JsonObject, found: number | undefined): SimulatorReply {
  const { organizations } = world.tables
  if (found === undefined && textOf(wanted['name']) === undefined)
    return recordInvalid('name', 'BlankValue', 'Name: cannot be blank')
  const taken = takenBy(organizations, wanted, found, uniqueOfOrganizations)
  if (taken) return taken
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
