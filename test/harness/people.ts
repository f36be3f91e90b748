/** People for tests: with a password, roles, and the authenticator in their hand. */
import { insertMembership } from '../../db/memberships.ts'
import { insertPerson } from '../../db/people.ts'
import type { Role } from '../../model/permissions.ts'
import { newId } from '../../platform/new-id.ts'
import { hashPassword } from '../../platform/secrets/password.ts'
import type { TestApi } from './api.ts'

export const password = 'seven ships sail south again'
let hash: Promise<string> | undefined

export interface TestPerson {
  readonly personId: string
  readonly email: string
}

/** Somebody with these roles. @param roles partner (null: the hub) and role. */
export async function makePerson(
  api: Pick<TestApi, 'database'>,
  ...roles: readonly (readonly [partnerId: string | null, role: Role])[]
): Promise<TestPerson> {
  const { db } = api.database.database
  const personId = newId('person')
  const email = `${personId.toLowerCase()}@acme.example`
  hash ??= hashPassword(password)
  await insertPerson(db, { personId, email, name: 'Ada', passwordHash: await hash, createdBy: 'test' })
  for (const [partnerId, role] of roles) {
    const membershipId = newId('membership')
    await insertMembership(db, { membershipId, personId, partnerId, role, createdBy: 'test' })
  }
  return { personId, email }
}

/** The token of a session. */
export async function signInAs(api: TestApi, { email }: Pick<TestPerson, 'email'>): Promise<string> {
  const answer = await api.request('POST', '/auth/v1/sessions', { token: null, body: { email, password } })
  const { token } = answer.body as { token?: string }
  if (answer.status !== 201 || !token) throw new Error(`not signed in: ${JSON.stringify(answer.body)}`)
  return token
}
