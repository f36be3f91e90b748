/** `Idempotency-Key` on what makes something: the first answer is kept and given again. */
import { createHmac } from 'node:crypto'
import { giveRequestKeyBack, keepAnswer, takeRequestKey, type RequestKey } from '../db/idempotency.ts'
import type { Db } from '../db/client.ts'
import { canonicalJson, isJsonObject, type JsonObject } from '../model/json.ts'
import type { ApiDeps } from './deps.ts'
import type { Operation } from './description.ts'
import type { AnyAnswer, AnyCall } from './call.ts'

/**
 * Runs `work` unless the call's key has been used already. A failure gives the key back: nothing was changed by it, so the
 * same request may be tried again.
 */
export async function once(
  deps: ApiDeps,
  operation: Operation,
  call: AnyCall,
  work: () => Promise<AnyAnswer>,
): Promise<AnyAnswer> {
  const given = call.header['Idempotency-Key']
  if (typeof given !== 'string') return await work()
  const { db } = deps.database
  const key = { caller: call.caller.name, idempotencyKey: given }
  const kept = await takeRequestKey(db, key, hashOf(deps, operation, call))
  if (kept) {
    const { status, headers } = kept
    const body = await opened(deps, key, kept.body)
    return { status, body, headers: { ...headers, 'Idempotency-Replayed': 'true' } }
  }
  let answer: AnyAnswer
  try {
    answer = await work()
  } catch (error) {
    await giveRequestKeyBack(db, key).catch((err: unknown) =>
      deps.log.warn({ err }, 'an idempotency key stays taken'),
    )
    throw error
  }
  // As it will be read back: with times as text.
  const body: unknown = answer.body === undefined ? null : JSON.parse(JSON.stringify(answer.body))
  await keepAnswer(db, key, {
    status: answer.status,
    headers: { ...answer.headers },
    body: isJsonObject(body) ? await sealed(deps, db, key, body) : null,
  })
  return answer
}

const place = ({ caller, idempotencyKey }: RequestKey) => ({
  table: 'idempotent_requests',
  column: 'body',
  row: JSON.stringify([caller, idempotencyKey]),
})

/** An answer may hold what is shown only once: the secret of a webhook, the link of a connect session. */
async function sealed({ vault }: ApiDeps, db: Db, key: RequestKey, body: JsonObject): Promise<JsonObject> {
  const bytes = await vault.seal(db, 'hub', place(key), JSON.stringify(body))
  return { sealed: bytes.toString('base64') }
}

async function opened(
  { vault, database }: ApiDeps,
  key: RequestKey,
  kept: JsonObject | null,
): Promise<unknown> {
  if (typeof kept?.['sealed'] !== 'string') return kept ?? undefined
  const plain = await vault.open(database.db, 'hub', place(key), Buffer.from(kept['sealed'], 'base64'))
  return JSON.parse(plain.toString('utf8'))
}

/**
 * Keyed: the body of a new connection holds secrets. Whoever may act for several partners has one name for all of them, so the partner is
 * part of the request; a key has one partner and its own name.
 */
function hashOf(deps: ApiDeps, { operationId }: Operation, { path, query, body, caller }: AnyCall): Buffer {
  const actsFor = caller.kind === 'key' ? undefined : (caller.partnerId ?? undefined)
  return createHmac('sha256', deps.config.adminToken)
    .update(canonicalJson({ operationId, path, query, body, ...(actsFor === undefined ? {} : { actsFor }) }))
    .digest()
}
