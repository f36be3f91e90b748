/** API keys: made, shown without their secret, changed, revoked. Under /v1 those of a partner and who is below it, under /admin/v1 all. */
import { getApiKey, insertApiKey, listApiKeys, updateApiKey, type ApiKey } from '../../db/api-keys.ts'
import { appendAudit } from '../../db/audit.ts'
import { inTransaction } from '../../db/client.ts'
import { revokeAndTell, tellOfNewKey } from '../../db/key-notices.ts'
import { defaultTenant, findPartner } from '../../db/partners.ts'
import { HubError } from '../../platform/errors.ts'
import { mintApiKey } from '../../platform/secrets/api-key.ts'
import type { components } from '../../openapi/types.ts'
import type { Caller } from '../caller.ts'
import type { ApiDeps } from '../deps.ts'
import { etagOf, expectedVersion, hasChanged } from '../etag.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'
import { invalidInput } from '../problem.ts'
import { checkKeyWish, requireScopes } from './key-rules.ts'

type Schemas = components['schemas']

const time = (at: Date | null): string | null => at?.toISOString() ?? null

/** Under which path the caller finds keys. */
export const keysPath = ({ partnerId }: Caller): string =>
  partnerId === null ? '/admin/v1/keys' : '/v1/keys'

export function showKey({ limits: _limits, ...key }: ApiKey): Schemas['Key'] {
  return {
    ...key,
    scopes: [...key.scopes],
    networks: [...key.networks],
    expiresAt: time(key.expiresAt),
    lastUsedAt: time(key.lastUsedAt),
    createdAt: key.createdAt.toISOString(),
    revokedAt: time(key.revokedAt),
  }
}

/** @throws HubError `NoSuchThing`, also for one that the caller may not see. */
export async function keyOf({ database }: ApiDeps, keyId: string): Promise<ApiKey> {
  const key = await getApiKey(database.db, keyId)
  if (key) return key
  throw new HubError('NoSuchThing', `There is no API key "${keyId}".`)
}

export const listKeys: Handler<'listKeys'> = async ({ database }, call) => {
  const after = positionOf(call, { keyId: 'string' })?.keyId
  const { partnerId, state, mode } = call.query
  const rows = await listApiKeys(database.db, { partnerId, state, mode, after, limit: rowsFor(call) })
  return listAnswer(call, rows, showKey, ({ keyId }) => ({ keyId }))
}

export const createKey: Handler<'createKey'> = async (deps, { body, caller }) => {
  const { db } = deps.database
  const expiresAt = body.expiresAt == null ? null : new Date(body.expiresAt)
  const { name, mode, scopes, networks = [] } = body
  await checkKeyWish(deps, caller, { mode, scopes, networks, expiresAt })
  const partnerId = body.partnerId ?? caller.partnerId ?? defaultTenant.partnerId
  if (!(await findPartner(db, partnerId)))
    throw invalidInput([{ in: 'body', pointer: '/partnerId', detail: 'is not the id of a partner' }])
  const minted = mintApiKey(mode)
  const wish = { partnerId, name, mode, scopes, networks, expiresAt, createdBy: caller.name }
  const key = await inTransaction(db, async (tx) => {
    const made = await insertApiKey(tx, wish, minted)
    await tellOfNewKey(tx, made, caller.name)
    return made
  })
  const headers = { Location: `${keysPath(caller)}/${key.keyId}`, ETag: etagOf(key) }
  return { status: 201, body: { key: showKey(key), secret: minted.text }, headers }
}

export const getKey: Handler<'getKey'> = async (deps, { path }) => {
  const key = await keyOf(deps, path.keyId)
  return { status: 200, body: showKey(key), headers: { ETag: etagOf(key) } }
}

export const updateKey: Handler<'updateKey'> = async (deps, { path, header, body, caller }) => {
  const before = await keyOf(deps, path.keyId)
  const { name, scopes, networks } = body
  const expiresAt = body.expiresAt == null ? body.expiresAt : new Date(body.expiresAt)
  await checkKeyWish(deps, caller, { scopes, networks, expiresAt })
  // Whoever changes a key might make more of it than they are: they must be able to have made it.
  if (networks !== undefined || expiresAt !== undefined) requireScopes(caller, before.scopes)
  if (before.state === 'revoked') throw new HubError('StateConflict', 'This API key is revoked.')
  const key = await inTransaction(deps.database.db, async (tx) => {
    const expected = expectedVersion(header['If-Match'])
    const after = await updateApiKey(tx, before.keyId, { name, scopes, networks, expiresAt }, expected)
    if (!after) throw hasChanged('The key')
    const { keyId, partnerId, version } = after
    const details = {
      ...{ version, fields: Object.keys(body) },
      ...(scopes === undefined ? {} : { scopesBefore: [...before.scopes], scopes }),
    }
    await appendAudit(tx, { actor: caller.name, action: 'key.changed', subject: keyId, partnerId, details })
    return after
  })
  return { status: 200, body: showKey(key), headers: { ETag: etagOf(key) } }
}

export const revokeKey: Handler<'revokeKey'> = async (deps, { path, query, caller }) => {
  const { keyId } = await keyOf(deps, path.keyId)
  await inTransaction(deps.database.db, async (tx) => {
    await revokeAndTell(tx, keyId, query.reason ?? `By ${caller.name}.`, caller.name)
  })
  return { status: 204, body: undefined }
}
