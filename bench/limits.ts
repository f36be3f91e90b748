/**
 * How many times a second the API decides whether a call is let in, beside (a) doing nothing and (b) a round trip to Postgres for each
 * decision (rate-limiter-flexible, one limit); same Postgres, in turn. Last line: one JSON object.
 *
 *   npm run bench:limits                200,000 decisions a round, 3 rounds
 *   npm run bench:limits -- 500000 5
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { RateLimiterPostgres } from 'rate-limiter-flexible'
import { createLeases, type LimitedBucket } from '../api/limits/leases.ts'
import { limitField, policyField } from '../api/limits/fields.ts'
import { freePorts } from '../cli/up/ports.ts'
import { startEmbeddedPostgres } from '../cli/up/postgres.ts'
import { openDatabase } from '../db/client.ts'
import { migrateUp } from '../db/migrate.ts'
import { createLog } from '../platform/log.ts'
import { median } from './tools.ts'

const decisions = Number(process.argv[2] ?? 200_000)
const rounds = Number(process.argv[3] ?? 3)
/** As many calls are under way at once. */
const parallel = 50
const keys = 64

const folder = mkdtempSync(path.join(tmpdir(), 'tieline-bench-limits-'))
chmodSync(folder, 0o755)
const [port = 0] = await freePorts(1)
const postgres = await startEmbeddedPostgres({ dataDir: path.join(folder, 'postgres'), port })
const log = createLog('bench', 'warn')
const database = openDatabase({ url: postgres.url, poolSize: 10, applicationName: 'tieline-bench', log })
await migrateUp(database.db)

/** Four limits, as a key has: its own and its partner's, of ten seconds and of a minute. Wide enough for every round. */
const limitsOf = (n: number): (LimitedBucket & { readonly name: string })[] =>
  ['caller-burst', 'caller-sustained', 'partner-burst', 'partner-sustained'].map((name) => ({
    key: `${name}:${name.startsWith('caller') ? n : n % 8}`,
    name,
    rate: { capacity: 1_000_000, windowMs: name.endsWith('burst') ? 10_000 : 60_000 },
  }))
const callers = Array.from({ length: keys }, (_, n) => limitsOf(n))
const some: readonly (LimitedBucket & { readonly name: string })[] = callers[0] ?? []

async function perSecond(times: number, decide: (n: number) => Promise<unknown>): Promise<number> {
  let next = 0
  const began = performance.now()
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      while (next < times) await decide(next++)
    }),
  )
  return (times / (performance.now() - began)) * 1000
}

const leases = createLeases({ db: database.db, log, now: Date.now })
const flexible = await new Promise<RateLimiterPostgres>((resolve, reject) => {
  const limiter: RateLimiterPostgres = new RateLimiterPostgres(
    { storeClient: database.pool, points: 100_000_000, duration: 60, tableName: 'bench_points' },
    (err) => (err ? reject(err) : resolve(limiter)),
  )
})

let refused = 0
const nothing = (): Promise<void> => Promise.resolve()
const decide = async (n: number): Promise<void> => {
  if (await leases.take(callers[n % keys] ?? some)) refused++
}
/** With what the answer tells: both fields. */
const decideAndTell = async (n: number): Promise<string> => {
  const limits = callers[n % keys] ?? some
  if (await leases.take(limits)) refused++
  return limitField(
    limits.map((one) => {
      const { remaining, wholeInMs } = leases.look(one)
      return { name: one.name, remaining, seconds: Math.ceil(wholeInMs / 1000) }
    }),
  )
}

const policy = policyField(
  some.map(({ name, rate }) => ({ name, limit: rate.capacity, windowSeconds: rate.windowMs / 1000 })),
  null,
)
const figures = {
  nothing: [] as number[],
  decide: [] as number[],
  tell: [] as number[],
  roundTrip: [] as number[],
}
await perSecond(20_000, decideAndTell)
for (let round = 0; round < rounds; round++) {
  figures.nothing.push(await perSecond(decisions, nothing))
  figures.decide.push(await perSecond(decisions, decide))
  figures.tell.push(await perSecond(decisions, decideAndTell))
  figures.roundTrip.push(
    await perSecond(Math.min(decisions, 10_000), (n) => flexible.consume(`key-${n % keys}`)),
  )
  process.stderr.write(`round ${round + 1} of ${rounds}\n`)
}

const [none, ours, told, roundTrip] = [figures.nothing, figures.decide, figures.tell, figures.roundTrip].map(
  median,
)
const micros = (each = NaN): number => Number((1e6 / each - 1e6 / (none ?? NaN)).toFixed(2))
console.log(`doing nothing:                  ${Math.round(none ?? NaN).toLocaleString('en-US')} a second`)
console.log(
  `a decision over four limits:    ${Math.round(ours ?? NaN).toLocaleString('en-US')} a second, ${micros(ours)} µs each`,
)
console.log(
  `with the fields of the answer:  ${Math.round(told ?? NaN).toLocaleString('en-US')} a second, ${micros(told)} µs each (${policy})`,
)
console.log(
  `a round trip for each decision: ${Math.round(roundTrip ?? NaN).toLocaleString('en-US')} a second, ${micros(roundTrip)} µs each`,
)
await leases.close()
await database.close()
await postgres.stop()
rmSync(folder, { recursive: true, force: true })
console.log(
  JSON.stringify({
    bench: 'limits',
    ratio: Number(((ours ?? NaN) / (none ?? NaN)).toFixed(3)),
    decisionsPerSecond: Math.round(ours ?? NaN),
    withFieldsPerSecond: Math.round(told ?? NaN),
    nothingPerSecond: Math.round(none ?? NaN),
    roundTripPerSecond: Math.round(roundTrip ?? NaN),
    microsPerDecision: micros(ours),
    microsWithFields: micros(told),
    refused,
  }),
)
