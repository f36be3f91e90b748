/**
 * Writing users and organizations. Neither takes an idempotency key, but their external ids are unique in an account: a new
 * object bears the hub's mark there unless the caller gives an id of its own. There is no version token either: the object
 * is compared with what was read just before it is changed.
 */
import type { JsonObject } from '../../model/json.ts'
import type { OutwardMapping } from '../../model/mapping.ts'
import { isHubError } from '../../platform/errors.ts'
import type { ProviderContext, Row, Writer, Written } from '../contract.ts'
import { markOf } from './action-input.ts'
import { bodyOf, get, objectIn, rowsIn, textIn } from './answer.ts'
import { examples } from './examples.ts'
import { organizationOutward, userOutward } from './outward.ts'
import { assertUnchanged, bodyFor, goneError, isAsAsked, writtenIn } from './write-body.ts'
import { setEmail } from './write-email.ts'

interface Party {
  readonly path: '/api/v2/users' | '/api/v2/organizations'
  readonly plural: 'users' | 'organizations'
  readonly key: 'user' | 'organization'
  readonly mapping: OutwardMapping
  /** Sent along with a new one. */
  readonly extra: JsonObject
}

const pathOf = ({ path }: Party, id: string): string => `${path}/${encodeURIComponent(id)}`

/** A deleted user is still answered, with `active: false`. */
const isGone = (row: Row): boolean => row['active'] === false

/** `show_many?external_ids=` (users, organizations .openapi.yaml) reads the objects themselves; the search endpoints lag behind. */
async function findByExternalId(
  context: ProviderContext,
  party: Party,
  externalId: string,
): Promise<Written | undefined> {
  // The parameter is a list between commas: an id with a comma cannot be asked for.
  if (externalId.includes(',')) return undefined
  const path = `${party.path}/show_many`
  const response = await get(context, 'support', path, { external_ids: externalId }, [404])
  if (response.status === 404) return undefined
  const [row] = rowsIn(bodyOf(response, party.plural), party.plural).filter((one) => !isGone(one))
  return row && { row, readAt: response.readAt }
}

async function create(
  context: ProviderContext,
  party: Party,
  fields: JsonObject,
  key: string,
): Promise<Written> {
  const own = textIn(fields, 'external_id')
  const externalId = own ?? markOf(key)
  /** Under an id of the caller's there may be somebody else's object: only one with all the given values is this one. */
  const findMade = async (): Promise<Written | undefined> => {
    const found = await findByExternalId(context, party, externalId)
    return found && (own === undefined || isAsAsked(found.row, fields)) ? found : undefined
  }
  const made = await findMade()
  if (made) return made
  try {
    // Not repeated by itself: Zendesk itself tells of doubles when the same is posted twice at once (organizations.openapi.yaml).
    const response = await context.call({
      method: 'POST',
      path: party.path,
      group: 'support',
      body: { [party.key]: { ...party.extra, ...bodyFor(fields), external_id: externalId } },
    })
    return writtenIn(response, party.key)
  } catch (error) {
    // "External has already been taken": perhaps by an attempt whose answer was lost.
    const found = isHubError(error, 'Invalid') ? await findMade() : undefined
    if (found) return found
    throw error
  }
}

async function update(
  context: ProviderContext,
  party: Party,
  id: string,
  fields: JsonObject,
  current: Row,
): Promise<Written> {
  const path = pathOf(party, id)
  const found = objectIn(bodyOf(await get(context, 'support', path), party.key), party.key)
  if (isGone(found)) throw goneError(party.key)
  assertUnchanged(found, current)
  const { email, ...others } = fields
  if (party.key === 'user' && email !== undefined) await setEmail(context, id, email)
  const rest = party.key === 'user' ? others : fields
  if (Object.keys(rest).length === 0) return writtenIn(await get(context, 'support', path), party.key)
  const response = await context.call({
    method: 'PUT',
    path,
    group: 'support',
    body: { [party.key]: bodyFor(rest) },
    repeatable: true,
  })
  return writtenIn(response, party.key)
}

function partyWriter(party: Party): Writer {
  return {
    create: (context, fields, key) => create(context, party, fields, key),
    update: (context, id, fields, current) => update(context, party, id, fields, current),
    async remove(context, id) {
      await context.call({
        method: 'DELETE',
        path: pathOf(party, id),
        group: 'support',
        repeatable: true,
        accept: [404],
      })
      return undefined
    },
    mapping: party.mapping,
    example: examples[party.plural],
  }
}

export const userWriter = partyWriter({
  path: '/api/v2/users',
  plural: 'users',
  key: 'user',
  mapping: userOutward,
  // Nobody is sent a mail because a partner's system wrote a user (create_or_update in users.openapi.yaml).
  extra: { skip_verify_email: true },
})

export const organizationWriter = partyWriter({
  path: '/api/v2/organizations',
  plural: 'organizations',
  key: 'organization',
  mapping: organizationOutward,
  extra: {},
})
