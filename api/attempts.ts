/** Attempts to prove who one is: counted by subject and by address before they are judged, forgiven to whoever was right. */
import { emailKey } from '../db/people.ts'
import { forgive, giveAttemptBack, takeAttempt } from '../db/sign-in-attempts.ts'
import { HubError } from '../platform/errors.ts'
import { sha256 } from '../platform/secrets/hash.ts'
import type { ApiDeps } from './deps.ts'

const ofPerson = { free: 5, lockSeconds: 30, longestSeconds: 3600 } as const
const ofAddress = { free: 50, lockSeconds: 30, longestSeconds: 3600 } as const

/** @throws HubError `TooManyRequests`. @param subject `person:…`, `code:…`. */
export async function countAttempt(
  { hubDatabase: { db } }: ApiDeps,
  subject: string,
  address?: string,
): Promise<void> {
  const until =
    (address === undefined ? undefined : await takeAttempt(db, `address:${address}`, ofAddress)) ??
    (await takeAttempt(db, subject, ofPerson))
  if (!until) return
  throw new HubError('TooManyRequests', 'Too many attempts. Wait a while and try again.', { retryAt: until })
}

/** Whoever was right. */
export async function forgiveAttempt(
  { hubDatabase: { db } }: ApiDeps,
  subject: string,
  address?: string,
): Promise<void> {
  await forgive(db, subject)
  if (address !== undefined) await giveAttemptBack(db, `address:${address}`)
}

/** As attempts on an e-mail address are counted: without keeping the address. */
export const subjectOf = (email: string): string => `person:${sha256(emailKey(email)).toString('hex')}`
