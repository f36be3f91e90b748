/**
 * What slows guessing down. An attempt is counted before it is judged, so that many at the same time count as many; whoever turns out
 * to be right is forgiven.
 */
import { sql } from 'kysely'
import type { Db } from './client.ts'

interface Patience {
  /** Attempts in a row that cost nothing. */
  readonly free: number
  /** How long the first lock lasts; each further attempt doubles it. */
  readonly lockSeconds: number
  readonly longestSeconds: number
}

/**
 * Counts an attempt.
 * @param subject who or where from.
 * @returns when to try again, if it must not be tried now: then it was not counted either.
 */
export async function takeAttempt(db: Db, subject: string, patience: Patience): Promise<Date | undefined> {
  const { free, lockSeconds, longestSeconds } = patience
  const lock = (count: ReturnType<typeof sql>) =>
    sql`case when ${count} >= ${free}::int then now() + make_interval(secs => least(${longestSeconds}::float,
      ${lockSeconds}::float * power(2, least(${count} - ${free}::int, 30)))) end`
  const next = sql`(case when a.last_at < now() - interval '1 day' then 1 else a.count + 1 end)`
  const taken = await sql`
    insert into sign_in_attempts as a (subject, count, last_at, locked_until)
    values (${subject}, 1, now(), ${lock(sql`1`)})
    on conflict (subject) do update set count = ${next}, last_at = now(), locked_until = ${lock(next)}
      where a.locked_until is null or a.locked_until <= now()
  `.execute(db)
  if (taken.numAffectedRows === 1n) return undefined
  const found = await sql<{ lockedUntil: Date | null }>`
    select locked_until from sign_in_attempts where subject = ${subject}
  `.execute(db)
  return found.rows[0]?.lockedUntil ?? new Date(Date.now() + lockSeconds * 1000)
}

/** Whoever was right is forgiven all. */
export async function forgive(db: Db, subject: string): Promise<void> {
  await sql`delete from sign_in_attempts where subject = ${subject}`.execute(db)
}

/** An address is forgiven the one attempt that was right: the wrong ones of others behind it stay counted. */
export async function giveAttemptBack(db: Db, subject: string): Promise<void> {
  await sql`
    update sign_in_attempts set count = greatest(count - 1, 0), locked_until = null where subject = ${subject}
  `.execute(db)
}

/** Removes what is of no use any more: attempts of before yesterday, sign-ins that came to nothing, sessions that ended long ago. */
export async function sweepSignIns(db: Db): Promise<void> {
  await sql`delete from sign_in_attempts where last_at < now() - interval '2 days'`.execute(db)
  await sql`delete from oidc_sign_ins where expires_at < now()`.execute(db)
  await sql`delete from person_sessions where expires_at < now() - interval '30 days'`.execute(db)
}
