/**
 * How fast an authenticated `GET /v1/tickets` is at a million records, with everything on that a partner's request goes through (key, limits, description,
 * row-level security), beside a bare Koa route that runs the same SQL; same Postgres, same load, in turn. Last line: one JSON object.
 *
 *   npm run bench:api                       a million records, 3,000 requests a round, 5 rounds
 *   npm run bench:api -- 100000 1000 2
 */
import { sql } from 'kysely'
import { freePorts } from '../cli/up/ports.ts'
import { insertApiKey } from '../db/api-keys.ts'
import { ensureAccount, ensurePartner } from '../db/partners.ts'
import { setPartnerLimits } from '../db/tiers.ts'
import { newId } from '../platform/new-id.ts'
import { mintApiKey } from '../platform/secrets/api-key.ts'
import { startProcesses } from '../test/harness/processes.ts'
import type { GetResult, GetWish } from './get-load.ts'
import { median, message, rounded, start } from './tools.ts'

const records = Number(process.argv[2] ?? 1_000_000)
const requests = Number(process.argv[3] ?? 3_000)
const rounds = Number(process.argv[4] ?? 5)
const connections = 32
const limit = 50

const hub = await startProcesses({
  apis: 1,
  sandbox: { size: { tickets: 1, users: 1, organizations: 1, comments: 0 } },
  env: { TIELINE_LOG_LEVEL: 'warn' },
})
const { db } = hub.database

/** One partner with a million tickets over 40 connections, and as many partners again with fewer. */
async function fill(): Promise<{ readonly partnerId: string; readonly token: string }> {
  const [partnerId, accountId] = [newId('partner'), newId('account')]
  // Rates that are counted and never reached, and a quota of calls that is counted too.
  await ensurePartner(db, { partnerId, name: 'Bench', tier: 'unlimited' })
  const overrides = { quotas: { calls: { soft: 20_000_000, hard: 25_000_000 } } }
  await setPartnerLimits(db, partnerId, { tier: 'unlimited', overrides })
  await ensureAccount(db, { partnerId, accountId, name: 'Bench' })
  await sql`insert into connections (connection_id, partner_id, account_id, provider, auth, name)
    select 'con_' || lpad(n::text, 26, '0'), ${partnerId}, ${accountId}, 'zendesk', 'api-token', 'Bench' from generate_series(1, 40) n`.execute(
    db,
  )
  await sql`insert into records (connection_id, resource, external_id, partner_id, account_id, model, raw, mapped, fingerprint, read_at, changed_at)
    select 'con_' || lpad((n % 40 + 1)::text, 26, '0'), 'tickets', n::text, ${partnerId}, ${accountId}, 'ticket', '{}',
      jsonb_build_object('id', n::text, 'subject', 'Printer ' || n || ' is on fire', 'status', 'open', 'priority', 'high', 'requesterId', (n % 5000)::text,
        'createdAt', '2026-11-23T20:00:00.000Z', 'updatedAt', '2026-11-23T20:00:00.000Z', 'tags', '["printer", "fire"]'::jsonb), 'f', now(),
      now() - n * interval '1 second'
    from generate_series(1, ${records}::int) n`.execute(db)
  await sql`analyze`.execute(db)
  const minted = mintApiKey('live')
  await insertApiKey(
    db,
    {
      partnerId,
      name: 'Bench',
      mode: 'live',
      scopes: ['records.read'],
      networks: [],
      expiresAt: null,
      createdBy: 'bench',
    },
    minted,
  )
  return { partnerId, token: minted.text }
}

const { partnerId, token } = await fill()
const [port = 0] = await freePorts(1)
const bare = start('bare-api.ts', JSON.stringify({ databaseUrl: hub.databaseUrl, port, partnerId }))
await message(bare)
const loader = start('get-load.ts')
const headers = { authorization: `Bearer ${token}` }
const load = async (wish: Omit<GetWish, 'connections' | 'headers'>): Promise<GetResult> => {
  const answer = message<GetResult>(loader)
  loader.send({ ...wish, connections, headers })
  const result = await answer
  if (result.statuses[200] !== wish.requests)
    throw new Error(`Not all were answered 200: ${JSON.stringify(result.statuses)}`)
  return result
}

/** The first page, and some from within. */
async function queries(): Promise<string[]> {
  const found = [`?limit=${limit}`]
  for (let n = 1; n <= 7; n++) {
    const at = await sql<{ changedAt: string; connectionId: string; externalId: string }>`
      select changed_at::text as changed_at, connection_id, external_id from records where partner_id = ${partnerId} and model = 'ticket'
      order by changed_at offset ${Math.floor((records / 8) * n)} limit 1`.execute(db)
    const cursor = Buffer.from(JSON.stringify({ ...at.rows[0], resource: 'tickets' })).toString('base64url')
    found.push(`?limit=${limit}&cursor=${cursor}`)
  }
  return found
}

const asked = await queries()
const ours = asked.map((query) => `${hub.apiUrl}/v1/tickets${query}`)
const theirs = asked.map((query) => `http://127.0.0.1:${port}/${query}`)
await load({ urls: ours, requests: 300, rate: 0 })
await load({ urls: theirs, requests: 300, rate: 0 })

const kept = { ours: [] as GetResult[], bare: [] as GetResult[], half: [] as GetResult[] }
for (let round = 1; round <= rounds; round++) {
  const plain = await load({ urls: theirs, requests, rate: 0 })
  const own = await load({ urls: ours, requests, rate: 0 })
  const rate = requests / own.seconds / 2
  const half = await load({ urls: ours, requests: Math.ceil(requests / 2), rate })
  kept.bare.push(plain)
  kept.ours.push(own)
  kept.half.push(half)
  console.log(
    `round ${round}: ${rounded(requests / own.seconds)}/s (bare ${rounded(requests / plain.seconds)}/s), p50 ${rounded(own.p50)} ms p99 ${rounded(own.p99)} ms; ` +
      `at half load p50 ${rounded(half.p50)} ms p99 ${rounded(half.p99)} ms`,
  )
}
const perSecond = (results: readonly GetResult[]) => median(results.map(({ seconds }) => requests / seconds))
console.log(
  JSON.stringify({
    bench: 'api',
    ratio: rounded(perSecond(kept.ours) / perSecond(kept.bare), 2),
    perSecond: rounded(perSecond(kept.ours)),
    barePerSecond: rounded(perSecond(kept.bare)),
    p50Ms: rounded(median(kept.ours.map(({ p50 }) => p50))),
    p99Ms: rounded(median(kept.ours.map(({ p99 }) => p99))),
    halfLoadP50Ms: rounded(median(kept.half.map(({ p50 }) => p50))),
    halfLoadP99Ms: rounded(median(kept.half.map(({ p99 }) => p99))),
    records,
    requests,
    rounds,
  }),
)
loader.disconnect()
bare.disconnect()
await hub.close()
