/** `Idempotency-Key` on what makes something: the first answer is kept and given again. */
import { createHmac } from 'node:crypto'
import { giveRequestKeyBack, keepAnswer, takeRequestKey } from '../db/idempotency.ts'
import { canonicalJson, isJsonObject } from '../model/json.ts'
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
    const { status, headers, body } = kept
    return { status, body: body ?? undefined, headers: { ...headers, 'Idempotency-Replayed': 'true' } }
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
    body: isJsonObject(body) ? body : null,
  })
  return answer
}

/** Keyed: the body of a new connection holds secrets. */
function hashOf(deps: ApiDeps, { operationId }: Operation, { path, query, body }: AnyCall): Buffer {
  return createHmac('sha256', deps.config.adminToken)
    .update(canonicalJson({ operationId, path, query, body }))
    .digest()
}
