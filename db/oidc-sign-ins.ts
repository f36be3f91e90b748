/** Sign-ins at the identity provider that are under way. */
import { sql } from 'kysely'
import type { Db } from './client.ts'

export interface OidcSignIn {
  readonly nonce: string
  readonly verifierSealed: Buffer
}

export async function insertOidcSignIn(
  db: Db,
  stateHash: Buffer,
  signIn: OidcSignIn,
  expiresAt: Date,
): Promise<void> {
  await sql`
    insert into oidc_sign_ins (state_hash, nonce, verifier_sealed, expires_at)
    values (${stateHash}, ${signIn.nonce}, ${signIn.verifierSealed}, ${expiresAt}::timestamptz)
  `.execute(db)
}

/** Takes it: whoever comes with the same state again finds none. */
export async function takeOidcSignIn(db: Db, stateHash: Buffer): Promise<OidcSignIn | undefined> {
  const taken = await sql<OidcSignIn & { isInTime: boolean }>`
    delete from oidc_sign_ins where state_hash = ${stateHash} returning nonce, verifier_sealed, expires_at > now() as is_in_time
  `.execute(db)
  const [row] = taken.rows
  return row?.isInTime === true ? { nonce: row.nonce, verifierSealed: row.verifierSealed } : undefined
}
