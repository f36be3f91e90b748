/** The first owner of the embedded hub, so that somebody can sign in. */
import { openDatabase } from '../../db/client.ts'
import { makeOwner } from '../../db/owner.ts'
import { newPassword } from '../../platform/secrets/new-password.ts'
import { hashPassword } from '../../platform/secrets/password.ts'

export interface FirstOwner {
  readonly email: string
  /** Nowhere but here. */
  readonly password: string
}

/** @returns undefined when the hub has an owner already: its password is shown once and kept nowhere. */
export async function ensureOwner(databaseUrl: string): Promise<FirstOwner | undefined> {
  const database = openDatabase({ url: databaseUrl, poolSize: 1, applicationName: 'tieline-up' })
  try {
    const [email, password] = ['owner@tieline.local', newPassword()]
    const passwordHash = await hashPassword(password)
    const wish = { email, name: 'Owner', passwordHash, actor: 'admin', onlyFirst: true }
    return (await makeOwner(database.db, wish)) === 'made' ? { email, password } : undefined
  } finally {
    await database.close()
  }
}
