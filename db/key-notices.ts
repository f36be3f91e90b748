/** What partners and the audit chain are told of API keys, in the transaction in which it happens. Call it last there. */
import type { HubEventType } from '../model/events.ts'
import type { JsonObject } from '../model/json.ts'
import { revokeApiKey, type ApiKey } from './api-keys.ts'
import { appendAudit } from './audit.ts'
import type { Db } from './client.ts'
import type { KeyRotation } from './key-rotations.ts'
import { notifyPartner } from './notify-partner.ts'

type KeyEvent = Extract<HubEventType, `key.${string}`>

const shown = ({ keyId, name, mode, hint, expiresAt }: ApiKey) => ({
  ...{ keyId, name, mode, hint },
  expiresAt: expiresAt?.toISOString() ?? null,
})

export async function tellOfNewKey(tx: Db, key: ApiKey, actor: string): Promise<void> {
  const { keyId, partnerId, mode, scopes } = key
  await notifyPartner(tx, { partnerId, type: 'key.created', subject: keyId, data: shown(key) })
  const details = { mode, scopes: [...scopes], expiresAt: key.expiresAt?.toISOString() ?? null }
  await appendAudit(tx, { actor, action: 'key.created', subject: keyId, partnerId, details })
}

/** Revokes a key and tells of it; undefined when it is revoked already. */
export async function revokeAndTell(
  tx: Db,
  keyId: string,
  reason: string,
  actor: string,
): Promise<ApiKey | undefined> {
  const key = await revokeApiKey(tx, keyId, reason)
  if (!key) return undefined
  const { partnerId } = key
  await notifyPartner(tx, { partnerId, type: 'key.revoked', subject: keyId, data: { ...shown(key), reason } })
  await appendAudit(tx, { actor, action: 'key.revoked', subject: keyId, partnerId, details: { reason } })
  return key
}

/** A step of a rotation. @param data what the event holds besides the two keys. */
export async function tellOfRotation(
  tx: Db,
  step: {
    readonly type: KeyEvent
    readonly rotation: KeyRotation
    readonly keys: { readonly old: ApiKey; readonly new: ApiKey }
    readonly data: JsonObject
    readonly actor: string
  },
): Promise<void> {
  const { type, rotation, keys, data, actor } = step
  const { keyId, partnerId, newKeyId } = rotation
  const both = { keyId, name: keys.old.name, newKeyId, newHint: keys.new.hint }
  await notifyPartner(tx, { partnerId, type, subject: keyId, data: { ...both, ...data } })
  await appendAudit(tx, { actor, action: type, subject: keyId, partnerId, details: { newKeyId, ...data } })
}
