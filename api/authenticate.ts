/** Who is calling. For now one caller exists: the admin, by the hub's own token. Partners and their keys join here. */
import { timingSafeEqualText } from '../platform/secrets/hash.ts'
import type { Caller } from './caller.ts'
import { edgeFailure } from './problem.ts'

export const admin: Caller = { kind: 'admin', name: 'admin' }

/**
 * The caller behind an `Authorization` header.
 * @throws Unauthenticated (401, with `WWW-Authenticate`) when it is missing or wrong.
 */
export function authenticate(authorization: string, adminToken: string): Caller {
  const [, token] = /^Bearer +(\S+)$/i.exec(authorization.trim()) ?? []
  if (token === undefined) {
    throw edgeFailure(
      'Unauthenticated',
      'Send the admin token of this hub: "Authorization: Bearer <TIELINE_ADMIN_TOKEN>".',
      { 'WWW-Authenticate': 'Bearer realm="tieline"' },
    )
  }
  if (!timingSafeEqualText(token, adminToken)) {
    throw edgeFailure(
      'Unauthenticated',
      'The token is not the admin token of this hub (TIELINE_ADMIN_TOKEN; "tieline status --json --secrets" shows it).',
      { 'WWW-Authenticate': 'Bearer realm="tieline", error="invalid_token"' },
    )
  }
  return admin
}
