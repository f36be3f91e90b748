/** A simulated user's addresses: the primary one is the user's `email`, others are remembered beside it (until a restart). */
import type { JsonObject } from '../../model/json.ts'
import type { SimulatorReply, SimulatorRequest } from '../../sandbox/kit.ts'
import { time } from './simulator-objects.ts'
import { json, notFound, origin, recordInvalid } from './simulator-reads.ts'
import { part, textOf, type Writer } from './simulator-writer.ts'

/** Identity ids: the user's id, a digit for the place among its addresses. */
const placeOf = (identityId: number): number => identityId % 10
const idOf = (userId: number, place: number): number => userId * 10 + place

const addressesOf = (world: Writer, userId: number): string[] => {
  const primary = textOf(world.tables.users.get(userId)?.['email'])
  return [...(primary === undefined ? [] : [primary]), ...(world.addresses.get(userId) ?? [])]
}

/** A further address of a user. */
export function addAddress(world: Writer, userId: number, address: string): void {
  const others = world.addresses.get(userId) ?? []
  if (!addressesOf(world, userId).includes(address)) world.addresses.set(userId, [...others, address])
}

/** Fields of the identities reference as the OpenAPI file's examples show them. */
function identityOf(world: Writer, userId: number, place: number): JsonObject {
  const user = world.tables.users.get(userId) ?? {}
  const id = idOf(userId, place)
  return {
    id,
    url: `${origin}/api/v2/users/${userId}/identities/${id}.json`,
    user_id: userId,
    type: 'email',
    value: addressesOf(world, userId)[place] ?? null,
    primary: place === 0,
    verified: place === 0 && user['verified'] === true,
    deliverable_state: 'deliverable',
    undeliverable_count: 0,
    created_at: user['created_at'] ?? null,
    updated_at: user['updated_at'] ?? null,
  }
}

const living = ({ tables: { users } }: Writer, id: number): boolean => users.has(id) && !users.isDeleted(id)

const allOf = (world: Writer, userId: number): JsonObject[] =>
  addressesOf(world, userId).map((_address, place) => identityOf(world, userId, place))

/** `GET /api/v2/users/{id}/identities`: all on one page. */
export function listIdentities(world: Writer, userId: number): SimulatorReply {
  if (!living(world, userId)) return notFound()
  return json({
    identities: allOf(world, userId),
    meta: { has_more: false, after_cursor: null, before_cursor: null },
    links: { next: null, prev: null },
  })
}

function setPrimary(world: Writer, userId: number, address: string): void {
  const { users } = world.tables
  const at = world.tick()
  users.put(userId, { ...users.get(userId), email: address, updated_at: time(at) }, at)
}

const inUse = (world: Writer, address: string): SimulatorReply | undefined =>
  world.tables.users.find('email', address).length > 0
    ? recordInvalid('value', 'DuplicateValue', `Value: ${address} is already being used by another user`)
    : undefined

/** `POST /api/v2/users/{id}/identities`: a first address is the primary one. */
export function createIdentity(world: Writer, request: SimulatorRequest, userId: number): SimulatorReply {
  const address = textOf(part(request, 'identity')?.['value'])
  if (!living(world, userId)) return notFound()
  if (address === undefined) return recordInvalid('value', 'BlankValue', 'Value: cannot be blank')
  const used = inUse(world, address)
  if (used) return used
  const place = addressesOf(world, userId).length
  if (place === 0) setPrimary(world, userId, address)
  else addAddress(world, userId, address)
  return json({ identity: identityOf(world, userId, place) }, 201)
}

/** `PUT …/identities/{id}`: another value in the same place. */
export function updateIdentity(
  world: Writer,
  request: SimulatorRequest,
  userId: number,
  identityId: number,
): SimulatorReply {
  const address = textOf(part(request, 'identity')?.['value'])
  const place = placeOf(identityId)
  const known = addressesOf(world, userId)
  if (!living(world, userId) || known[place] === undefined) return notFound()
  const used = address === undefined ? undefined : inUse(world, address)
  if (used) return used
  if (address !== undefined && place === 0) setPrimary(world, userId, address)
  else if (address !== undefined) world.addresses.set(userId, known.slice(1).with(place - 1, address))
  return json({ identity: identityOf(world, userId, place) })
}

/** `PUT …/identities/{id}/make_primary`: answers all of them. */
export function makePrimary(world: Writer, userId: number, identityId: number): SimulatorReply {
  const known = addressesOf(world, userId)
  const chosen = known[placeOf(identityId)]
  if (!living(world, userId) || chosen === undefined) return notFound()
  world.addresses.set(
    userId,
    known.filter((address) => address !== chosen),
  )
  setPrimary(world, userId, chosen)
  return json({ identities: allOf(world, userId) })
}
