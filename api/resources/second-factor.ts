/** The second factor of whoever is signed in: set up, confirmed, removed. */
import { appendAudit } from '../../db/audit.ts'
import { inTransaction, type Db } from '../../db/client.ts'
import {
  confirmTotp as putTotp,
  getPerson,
  removeTotp,
  secretsOf,
  setPendingTotp,
  takeTotpStep,
} from '../../db/people.ts'
import { endPersonSessions } from '../../db/person-sessions.ts'
import { HubError } from '../../platform/errors.ts'
import {
  hashOfRecoveryCode,
  newRecoveryCodes,
  newTotpSecret,
  stepOfCode,
  totpUri,
} from '../../platform/secrets/totp.ts'
import { countAttempt, forgiveAttempt } from '../attempts.ts'
import type { ApiDeps } from '../deps.ts'
import type { Handler } from '../operation.ts'
import { invalidInput } from '../problem.ts'
import { ownSession } from './own-session.ts'
import { provePassword } from './own-password.ts'

/** The same before and after it is confirmed: it only moves to another column. */
const place = (personId: string) => ({ table: 'people', column: 'totp', row: personId })

async function opened({ vault, hubDatabase }: ApiDeps, personId: string, sealed: Buffer): Promise<string> {
  return (await vault.open(hubDatabase.db, 'hub', place(personId), sealed)).toString('utf8')
}

/** The step that a code of a person's second factor belongs to; undefined when it is wrong or there is none. */
export async function stepOf(deps: ApiDeps, personId: string, code: string): Promise<number | undefined> {
  const secrets = await secretsOf(deps.hubDatabase.db, personId)
  if (!secrets?.totp) return undefined
  return stepOfCode(await opened(deps, personId, secrets.totp), code, Date.now())
}

export const enrolTotp: Handler<'enrolTotp'> = async (deps, { body, caller }) => {
  const { personId } = ownSession(caller)
  await provePassword(deps, personId, body.password)
  const { db } = deps.hubDatabase
  const person = await getPerson(db, personId)
  const secret = newTotpSecret()
  const sealed = await deps.vault.seal(db, 'hub', place(personId), secret)
  await inTransaction(db, async (tx) => {
    if (!(await setPendingTotp(tx, personId, sealed)))
      throw new HubError('StateConflict', 'There is a second factor already. Remove it first.')
    await appendAudit(tx, { actor: caller.name, action: 'person.second_factor_begun', subject: personId })
  })
  return { status: 200, body: { secret, uri: totpUri(secret, person?.email ?? personId) } }
}

const wrongCode = () =>
  invalidInput([
    { in: 'body', pointer: '/code', detail: 'is wrong or has been used; is the clock of the device right?' },
  ])

export const confirmTotp: Handler<'confirmTotp'> = async (deps, { body, caller }) => {
  const { personId, personSessionId } = ownSession(caller)
  const { db } = deps.hubDatabase
  await countAttempt(deps, `code:${personId}`)
  const pending = (await secretsOf(db, personId))?.totpPending
  if (!pending) throw new HubError('StateConflict', 'No second factor is being set up.')
  const step = stepOfCode(await opened(deps, personId, pending), body.code, Date.now())
  if (step === undefined) throw wrongCode()
  const recoveryCodes = newRecoveryCodes()
  await inTransaction(db, async (tx) => {
    if (!(await putTotp(tx, personId, pending, step, recoveryCodes.map(hashOfRecoveryCode))))
      throw new HubError('StateConflict', 'The second factor was set up anew meanwhile.')
    await endOthers(tx, personId, personSessionId, 'a second factor was set up')
    await appendAudit(tx, { actor: caller.name, action: 'person.second_factor_added', subject: personId })
  })
  await forgiveAttempt(deps, `code:${personId}`)
  return { status: 200, body: { recoveryCodes: [...recoveryCodes] } }
}

export const disableTotp: Handler<'disableTotp'> = async (deps, { body, caller }) => {
  const { personId, personSessionId } = ownSession(caller)
  await provePassword(deps, personId, body.password)
  const { db } = deps.hubDatabase
  await countAttempt(deps, `code:${personId}`)
  const step = await stepOf(deps, personId, body.code)
  await inTransaction(db, async (tx) => {
    if (step === undefined || !(await takeTotpStep(tx, personId, step))) throw wrongCode()
    await removeTotp(tx, personId)
    await endOthers(tx, personId, personSessionId, 'the second factor was removed')
    await appendAudit(tx, { actor: caller.name, action: 'person.second_factor_removed', subject: personId })
  })
  await forgiveAttempt(deps, `code:${personId}`)
  return { status: 204, body: undefined }
}

/** Whoever got in with less than what is asked now has to sign in again. */
const endOthers = (tx: Db, personId: string, except: string, because: string): Promise<number> =>
  endPersonSessions(tx, personId, { except }, because)
