/** The password of whoever is signed in, and what a new one must be like. */
import { appendAudit } from '../../db/audit.ts'
import { inTransaction } from '../../db/client.ts'
import { getPerson, secretsOf, setPassword } from '../../db/people.ts'
import { endPersonSessions } from '../../db/person-sessions.ts'
import { HubError } from '../../platform/errors.ts'
import { faultOfPassword, hashPassword, isPassword } from '../../platform/secrets/password.ts'
import { countAttempt, forgiveAttempt } from '../attempts.ts'
import type { ApiDeps } from '../deps.ts'
import type { Handler } from '../operation.ts'
import { invalidInput } from '../problem.ts'
import { ownSession } from './own-session.ts'

/**
 * Asks for the password again: whoever has found a device unlocked must not take the person over.
 * @returns the hash that it was checked against. @throws InvalidInput, TooManyRequests.
 */
export async function provePassword(
  deps: ApiDeps,
  personId: string,
  password: string,
): Promise<string | null> {
  const subject = `password:${personId}`
  await countAttempt(deps, subject)
  const passwordHash = (await secretsOf(deps.hubDatabase.db, personId))?.passwordHash ?? null
  if (!(await isPassword(passwordHash, password)))
    throw invalidInput([{ in: 'body', pointer: '/password', detail: 'is wrong' }])
  await forgiveAttempt(deps, subject)
  return passwordHash
}

/** @throws InvalidInput that says what a new password lacks. */
export async function checkNewPassword(
  password: string,
  about: readonly string[],
  pointer: string,
): Promise<void> {
  const fault = await faultOfPassword(password, about)
  if (fault !== undefined) throw invalidInput([{ in: 'body', pointer, detail: fault }])
}

export const changePassword: Handler<'changePassword'> = async (deps, { body, caller }) => {
  const { personId, personSessionId } = ownSession(caller)
  const { db } = deps.hubDatabase
  const before = await provePassword(deps, personId, body.password)
  const person = await getPerson(db, personId)
  await checkNewPassword(body.newPassword, [person?.email ?? '', person?.name ?? ''], '/newPassword')
  const passwordHash = await hashPassword(body.newPassword)
  await inTransaction(db, async (tx) => {
    if (!(await setPassword(tx, personId, passwordHash, before)))
      throw new HubError('StateConflict', 'The password was changed at the same moment.')
    await endPersonSessions(tx, personId, { except: personSessionId }, 'the password was changed')
    await appendAudit(tx, { actor: caller.name, action: 'person.password_changed', subject: personId })
  })
  return { status: 204, body: undefined }
}
