/**
 * INV-1, INV-2, INV-3 under kill -9: 20,000 webhooks of three providers, repeated and out of order, from several senders that retry as
 * providers do, while API, worker, Temporal and Postgres are killed and started again. It prints the equation.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { inboxEquation } from '../../db/inbox.ts'
import { putHookSettings } from '../../db/hook-settings.ts'
import type { Connection } from '../../db/connections.ts'
import { findHookSource } from '../../providers/registry.ts'
import { createChance, type Chance } from '../../sandbox/kit.ts'
import { noLimits } from '../harness/engine.ts'
import { startProcesses, type Processes, type Victim } from '../harness/processes.ts'

/** CI shares two cores with all other tests: it gets fewer, with the same kills. */
const posts = Number(process.env['TIELINE_CHAOS_WEBHOOKS'] ?? (process.env['CI'] ? 4_000 : 20_000))
const senders = 12
const secret = 'chaos-secret-of-the-app'

/** What is posted to, and what the events are about. */
interface Stream {
  readonly slug: string
  readonly resource: string
  readonly event: string
  readonly tenant: string
  readonly url: URL
  readonly connection: Connection
}

interface Post {
  readonly stream: Stream
  readonly event: string
  readonly externalId: string
  readonly id: string
  readonly at: Date
}

let hub: Processes
beforeAll(async () => {
  hub = await startProcesses({
    apis: 1,
    sandbox: {
      size: {
        tickets: 400,
        users: 20,
        organizations: 5,
        comments: 0,
        contacts: 300,
        companies: 20,
        deals: 20,
        invoices: 300,
        customers: 40,
      },
      limits: noLimits,
    },
    env: {
      QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN: secret,
      HUBSPOT_CLIENT_SECRET: secret,
      TIELINE_HOOKS_PER_ADDRESS: '100000000',
      TIELINE_LOG_LEVEL: 'warn',
    },
  })
}, 180_000)
afterAll(() => hub?.close(), 60_000)

async function openStreams(): Promise<Stream[]> {
  const stream = async (
    slug: string,
    resource: string,
    event: string,
    tenant: string,
    more: Record<string, string>,
  ) => {
    const connection = await hub.connect(more, slug)
    const isApp = findHookSource(slug)?.webhooks.scope === 'app'
    const url = new URL(`/hooks/${slug}${isApp ? '' : `/${connection.connectionId}`}`, hub.apiUrl)
    return { slug, resource, event, tenant, url, connection }
  }
  const realm = '4620816365001234567'
  const zendesk = await stream('zendesk', 'tickets', 'ticket', '1', {})
  await putHookSettings(hub.database.db, hub.vault, zendesk.connection, {
    secrets: { signingSecret: [{ value: secret, until: null }] },
  })
  const quickbooks = await stream('quickbooks', 'invoices', 'invoice', realm, {})
  const tenant = quickbooks.connection.settings['realm_id'] ?? realm
  return [
    zendesk,
    { ...quickbooks, tenant },
    await stream('hubspot', 'contacts', 'contact', '33442211', { portal_id: '33442211' }),
  ]
}

/** Something happens at a provider: the webhook that tells of it. */
function happen(stream: Stream, chance: Chance, n: number): Post | undefined {
  const wish = chance.below(100) < 6 ? { delete: 1 } : chance.below(100) < 6 ? { create: 1 } : { update: 1 }
  const [edit] = hub.sandbox.control.edit(stream.slug, { resource: stream.resource, ...wish })
  if (!edit || edit.resource !== stream.resource) return undefined
  const effect = edit.effect === 'touched' ? 'updated' : edit.effect
  return { stream, event: `${stream.event}.${effect}`, externalId: edit.id, id: `evt-${n}`, at: new Date() }
}

/** Posts until it is taken, as a provider does. A sender gives each answer a few seconds. */
async function send({ stream, event, externalId, id, at }: Post): Promise<void> {
  const sample = findHookSource(stream.slug)?.webhooks.sample({
    event,
    url: stream.url,
    tenant: stream.tenant,
    externalId,
    secrets: { signingSecret: secret, verifierToken: secret, clientSecret: secret },
    now: at,
    id,
  })
  if (!sample) throw new Error('no sample')
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await fetch(stream.url, {
        method: 'POST',
        headers: sample.headers,
        body: sample.body,
        signal: AbortSignal.timeout(5_000),
      })
      await answer.arrayBuffer()
      if (answer.ok) return
      if (answer.status === 401 || answer.status === 404) throw new Refused(answer.status)
    } catch (error) {
      if (error instanceof Refused) throw error
    }
    await delay(Math.min(3_000, 100 * 2 ** Math.min(attempt, 5)))
  }
}

class Refused extends Error {
  constructor(status: number) {
    super(`refused with ${status}`)
  }
}

async function once<T>(sure: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await sure()
    } catch {
      await delay(500)
    }
  }
}

it('INV-1, INV-2, INV-3: nothing is lost, nothing is doubled, every object is as its newest event says', async () => {
  const seed = Number(process.env['TIELINE_CRASH_SEED'] ?? Date.now() % 100_000)
  const chance = createChance(seed)
  const streams = await openStreams()
  const touched = new Map<Stream, Set<string>>(streams.map((stream) => [stream, new Set()]))
  const queue: Post[] = []
  let made = 0
  let sent = 0
  let over = false
  /** The next post: new events, and old ones again, in an order that is not theirs. */
  const next = (): Post | undefined => {
    if (sent >= posts) return undefined
    sent++
    while (queue.length < 200 && (made < posts / 2.5 || queue.length === 0)) {
      const stream = streams[chance.below(streams.length)]
      const post = stream && happen(stream, chance, made + 1)
      if (!post) continue
      made++
      touched.get(post.stream)?.add(post.externalId)
      for (let copies = 1 + chance.below(4); copies > 0; copies--) queue.push(post)
    }
    return queue.splice(chance.below(Math.max(1, queue.length)), 1)[0]
  }
  const sender = async (): Promise<void> => {
    for (let post = next(); post; post = next()) await send(post)
  }
  const sending = Promise.all(Array.from({ length: senders }, sender)).then(() => (over = true))
  const victims: Victim[] = [
    'api',
    'worker',
    'postgres',
    'temporal',
    'api',
    'postgres',
    'worker',
    'temporal',
    'api',
  ]
  const killed: Victim[] = []
  for (const victim of victims) {
    await delay(1_500 + chance.below(2_000))
    if (over && new Set(killed).size === 4) break
    killed.push(victim)
    await hub.killAndRestart(victim)
  }
  await sending
  // What was pushed back never left the queue unsent: every event that happened is posted at least once.
  for (const post of new Set(queue)) await send(post)

  const { db } = hub.database
  const equation = await settled()
  console.log(
    `seed ${seed}, killed ${killed.join(' ')}\nreceived ${equation.received} = processed ${equation.processed} + waiting ${equation.waiting} + dead ${equation.dead} + unmatched ${equation.unmatched} + duplicates ${equation.duplicates}`,
  )
  expect([seed, equation.waiting, equation.dead, equation.unmatched]).toEqual([seed, 0, 0, 0])
  expect(equation.received).toBe(equation.processed + equation.duplicates)
  expect(equation.received).toBeGreaterThanOrEqual(posts)
  expect(equation.processed).toBe(made)
  for (const [{ slug, resource, connection }, ids] of touched) {
    const truth = hub.sandbox.control.state(slug, resource)
    const stored = await once(() =>
      sql<{ externalId: string; deleted: boolean; raw: Record<string, unknown>; version: number }>`
        select external_id, deleted_at is not null as deleted, raw, version from records
        where connection_id = ${connection.connectionId} and resource = ${resource}`.execute(db),
    )
    const byId = new Map(stored.rows.map((row) => [row.externalId, row]))
    for (const id of ids) {
      const row = byId.get(id)
      const now = truth[id]
      // An object that came and went before anybody looked was never known.
      if (!now) expect([slug, id, row?.deleted ?? true]).toEqual([slug, id, true])
      else expect([slug, id, row?.deleted, sameState(slug, row?.raw, now)]).toEqual([slug, id, false, true])
    }
  }
  const doubled = await once(() =>
    sql`select 1 from changes group by connection_id, resource, external_id, version having count(*) > 1`.execute(
      db,
    ),
  )
  expect(doubled.rows).toEqual([])
}, 420_000)

async function settled() {
  const end = Date.now() + 180_000
  for (;;) {
    const equation = await once(() => inboxEquation(hub.database.db, {}))
    if (equation.waiting === 0 || Date.now() > end) return equation
    await delay(500)
  }
}

/** Versions tell: every edit of a simulator gives the object a new one. */
function sameState(
  slug: string,
  raw: Record<string, unknown> | undefined,
  truth: Record<string, unknown>,
): boolean {
  const version = { zendesk: 'updated_at', quickbooks: 'SyncToken', hubspot: 'updatedAt' }[slug] ?? ''
  return raw !== undefined && raw[version] === truth[version]
}
