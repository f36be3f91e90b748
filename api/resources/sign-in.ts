/**
 * Signing in: password, then the second factor where there is one. An attempt is counted, by person and by address, before it is
 * judged; an unknown person is judged like a known one, in the same time and with the same words.
 */
import { appendAudit } from '../../db/audit.ts'
import { inTransaction } from '../../db/client.ts'
import { findSignIn, getPerson, takeRecoveryCode, takeTotpStep } from '../../db/people.ts'
import {
  endPersonSessions,
  findChallenge,
  insertPersonSession,
  openPersonSession,
} from '../../db/person-sessions.ts'
import type { components } from '../../openapi/types.ts'
import { newId } from '../../platform/new-id.ts'
import { isPassword } from '../../platform/secrets/password.ts'
import { mintPersonToken, readPersonToken } from '../../platform/secrets/person-token.ts'
import { hashOfRecoveryCode } from '../../platform/secrets/totp.ts'
import { countAttempt, forgiveAttempt, subjectOf } from '../attempts.ts'
import { longestMs } from '../authenticate-person.ts'
import type { ApiDeps } from '../deps.ts'
import type { Handler } from '../operation.ts'
import { invalidInput } from '../problem.ts'
import { refused } from '../refused.ts'
import { ownSession } from './own-session.ts'
import { stepOf } from './second-factor.ts'

const challengeMs = 5 * 60_000

interface Browser {
  readonly address: string
  readonly userAgent: string
}

export const signIn: Handler<'signIn'> = async (deps, { body, client: { address, userAgent } }) => {
  const subject = subjectOf(body.email)
  await countAttempt(deps, subject, address)
  const found = await findSignIn(deps.hubDatabase.db, body.email)
  const fits = await isPassword(found?.passwordHash, body.password)
  if (!found || !fits || found.person.state !== 'active')
    throw refused('The e-mail address or the password is wrong.')
  await forgiveAttempt(deps, subject, address)
  const { person } = found
  const browser = { address, userAgent }
  return person.hasSecondFactor
    ? { status: 201, body: await challenge(deps, person.personId, browser) }
    : { status: 201, body: await openSession(deps, person.personId, browser, 'password') }
}

type SignedIn = components['schemas']['SignedIn']

export async function challenge({ hubDatabase: { db } }: ApiDeps, personId: string, browser: Browser) {
  const { text, hash } = mintPersonToken('ses')
  const expiresAt = new Date(Date.now() + challengeMs)
  const wish = {
    personSessionId: newId('personSession'),
    personId,
    stage: 'code',
    ...browser,
    expiresAt,
  } as const
  await insertPersonSession(db, wish, hash)
  return { token: null, challenge: text, expiresAt: expiresAt.toISOString() } satisfies SignedIn
}

/** A session for somebody who has proved who they are. */
export async function openSession(
  { hubDatabase: { db } }: ApiDeps,
  personId: string,
  browser: Browser,
  by: 'password' | 'openid',
): Promise<SignedIn> {
  const { text, hash } = mintPersonToken('ses')
  const expiresAt = new Date(Date.now() + longestMs)
  const personSessionId = newId('personSession')
  await inTransaction(db, async (tx) => {
    await insertPersonSession(tx, { personSessionId, personId, stage: 'open', ...browser, expiresAt }, hash)
    await appendAudit(tx, {
      ...{ actor: `person:${personId}`, action: 'person.signed_in', subject: personId },
      details: { personSessionId, by },
    })
  })
  return { token: text, challenge: null, expiresAt: expiresAt.toISOString() }
}

export const meetChallenge: Handler<'meetChallenge'> = async (deps, { body }) => {
  const { db } = deps.hubDatabase
  const { code, recoveryCode } = body
  if ((code === undefined) === (recoveryCode === undefined))
    throw invalidInput([{ in: 'body', pointer: '/code', detail: 'or recoveryCode is needed, one of them' }])
  const known = readPersonToken('ses', body.challenge)
  const session = known && (await findChallenge(db, known))
  if (!session) throw refused('The challenge is over. Sign in again.')
  const { personId, personSessionId } = session
  const subject = `code:${personId}`
  await countAttempt(deps, subject)
  const step = code === undefined ? undefined : await stepOf(deps, personId, code)
  const { text, hash } = mintPersonToken('ses')
  const expiresAt = new Date(Date.now() + longestMs)
  await inTransaction(db, async (tx) => {
    const person = await getPerson(tx, personId)
    const isRight =
      recoveryCode === undefined
        ? step !== undefined && (await takeTotpStep(tx, personId, step))
        : await takeRecoveryCode(tx, personId, hashOfRecoveryCode(recoveryCode))
    if (!isRight || person?.state !== 'active') throw refused('The code is wrong, or it has been used.')
    if (!(await openPersonSession(tx, personSessionId, hash, expiresAt)))
      throw refused('The challenge is over. Sign in again.')
    await appendAudit(tx, {
      ...{ actor: `person:${personId}`, action: 'person.signed_in', subject: personId },
      details: { personSessionId, by: recoveryCode === undefined ? 'password and code' : 'recovery code' },
    })
  })
  await forgiveAttempt(deps, subject)
  return { status: 201, body: { token: text, challenge: null, expiresAt: expiresAt.toISOString() } }
}

export const signOut: Handler<'signOut'> = async (deps, { caller }) => {
  const { personId, personSessionId } = ownSession(caller)
  await inTransaction(deps.hubDatabase.db, async (tx) => {
    const ended = await endPersonSessions(tx, personId, { only: personSessionId }, 'signed out')
    if (ended > 0)
      await appendAudit(tx, {
        ...{
          actor: caller.name,
          action: 'person.signed_out',
          subject: personId,
          details: { personSessionId },
        },
      })
  })
  return { status: 204, body: undefined }
}
