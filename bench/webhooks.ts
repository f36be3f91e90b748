/**
 * How fast webhooks are taken and have their effect, beside (a) a bare Koa handler that does one INSERT and (b) one workflow per event
 * that the handler starts; same Postgres, same Temporal, same load, in turn. Last line: one JSON object.
 *
 *   npm run bench:webhooks                    3,000 posts a round, 3 rounds
 *   npm run bench:webhooks -- 10000 2
 */
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { freePorts } from '../cli/up/ports.ts'
import { putHookSettings } from '../db/hook-settings.ts'
import { inboxEquation } from '../db/inbox.ts'
import type { Connection } from '../db/connections.ts'
import { workflowIds } from '../workflows/client.ts'
import { noLimits } from '../test/harness/engine.ts'
import { startProcesses, type Processes } from '../test/harness/processes.ts'
import type { LoadResult, LoadWish } from './load.ts'
import { median, message, rounded, start } from './tools.ts'

const posts = Number(process.argv[2] ?? 3_000)
const rounds = Number(process.argv[3] ?? 3)
/** Of (b): it is slower, and its rate does not depend on how many there are. */
const fewerPosts = Math.min(posts, 600)
const connections = 64
const secret = 'bench-secret'

const hub = await startProcesses({
  apis: 1,
  sandbox: { size: { tickets: 2_000, users: 50, organizations: 5, comments: 0 }, limits: noLimits },
  env: { TIELINE_HOOKS_PER_ADDRESS: '100000000', TIELINE_LOG_LEVEL: 'warn' },
})
const [barePort = 0] = await freePorts(1)
const bare = start(
  'bare-hooks.ts',
  JSON.stringify({
    databaseUrl: hub.databaseUrl,
    temporalAddress: hub.temporalAddress,
    port: barePort,
    secret,
  }),
)
await message(bare)
const loader = start('load.ts')
const load = async (wish: Omit<LoadWish, 'connections' | 'secret' | 'objects'>): Promise<LoadResult> => {
  const answer = message<LoadResult>(loader)
  loader.send({ ...wish, connections, secret, objects })
  return await answer
}

const objects = Object.keys(hub.sandbox.control.state('zendesk', 'tickets')).slice(0, 500)

/** A connection of its own, so that its lane begins asleep. */
async function connect(): Promise<Connection> {
  const connection = await hub.connect({ exports_per_minute: '999999' }, 'zendesk')
  await putHookSettings(hub.database.db, hub.vault, connection, {
    secrets: { signingSecret: [{ value: secret, until: null }] },
    perMinute: 1_000_000,
  })
  return connection
}

const urlOf = ({ connectionId }: Connection) => `${hub.apiUrl}/hooks/zendesk/${connectionId}`

interface OurRound {
  readonly load: LoadResult
  readonly processedPerSecond: number
  /** Milliseconds from received to processed. */
  readonly delay50: number
  readonly delay99: number
  readonly actionsPerThousand: number
}

/** Taken and not processed meanwhile, as the bare handler does it: the lane of a paused connection waits. */
async function acceptance(round: number): Promise<LoadResult> {
  const connection = await connect()
  await sql`update connections set state = 'paused' where connection_id = ${connection.connectionId}`.execute(
    hub.database.db,
  )
  return await load({ url: urlOf(connection), posts, rate: 0, mark: `accept-${round}` })
}

async function ours(round: number): Promise<OurRound> {
  const connection = await connect()
  const from = Date.now()
  const result = await load({ url: urlOf(connection), posts, rate: 0, mark: `ours-${round}` })
  while ((await inboxEquation(hub.database.db, connection)).waiting > 0) await delay(20)
  const seconds = (Date.now() - from) / 1000
  const delays = await sql<{ p50: number; p99: number }>`
    select percentile_cont(0.5) within group (order by ms) as p50, percentile_cont(0.99) within group (order by ms) as p99
    from (select extract(epoch from processed_at - received_at) * 1000 as ms from inbox_events
      where connection_id = ${connection.connectionId}) as t`.execute(hub.database.db)
  return {
    load: result,
    processedPerSecond: posts / seconds,
    delay50: Number(delays.rows[0]?.p50 ?? NaN),
    delay99: Number(delays.rows[0]?.p99 ?? NaN),
    actionsPerThousand: ((await actionsOf(hub, connection)) / posts) * 1000,
  }
}

/** What Temporal counts (and bills): starts, signals, activities, timers, markers, search attributes. */
async function actionsOf({ temporal }: Processes, { connectionId }: Connection): Promise<number> {
  const counted =
    /Started$|Signaled$|ActivityTaskScheduled|TimerStarted|MarkerRecorded|UpsertWorkflowSearchAttributes/i
  let actions = 0
  const workflowId = workflowIds.processInbox(connectionId)
  const query = `WorkflowId = "${workflowId}"`
  await delay(1_500)
  for await (const { runId } of temporal.client.workflow.list({ query })) {
    const { events = [] } = await temporal.client.workflow.getHandle(workflowId, runId).fetchHistory()
    actions += (events ?? []).filter((event) => {
      const kind = Object.keys(event).find(
        (name) => name.endsWith('EventAttributes') && event[name as never] != null,
      )
      const name = kind?.replace(/EventAttributes$/, '') ?? ''
      return counted.test(name) && !/^workflowTask|^activityTaskStarted/.test(name)
    }).length
  }
  return actions
}

async function workflowPerEvent(round: number): Promise<number> {
  const before = await done()
  const from = Date.now()
  await load({
    url: `http://127.0.0.1:${barePort}/workflow`,
    posts: fewerPosts,
    rate: 0,
    mark: `wf-${round}`,
  })
  while ((await done()) < before + fewerPosts) await delay(20)
  return fewerPosts / ((Date.now() - from) / 1000)
}

const done = async (): Promise<number> =>
  (await sql<{ n: number }>`select count(*)::int as n from bare_done`.execute(hub.database.db)).rows[0]?.n ??
  0

const kept = {
  accepting: [] as LoadResult[],
  ours: [] as OurRound[],
  insert: [] as LoadResult[],
  workflow: [] as number[],
}
for (let round = 1; round <= rounds; round++) {
  const insert = await load({
    url: `http://127.0.0.1:${barePort}/insert`,
    posts,
    rate: 0,
    mark: `bare-${round}`,
  })
  const accepting = await acceptance(round)
  const own = await ours(round)
  const perEvent = await workflowPerEvent(round)
  kept.insert.push(insert)
  kept.accepting.push(accepting)
  kept.ours.push(own)
  kept.workflow.push(perEvent)
  console.log(
    `round ${round}: accepted ${rounded(posts / accepting.seconds)}/s (bare INSERT ${rounded(posts / insert.seconds)}/s), answer p50 ${rounded(accepting.p50)} ms p99 ${rounded(accepting.p99)} ms; ` +
      `while they are processed ${rounded(posts / own.load.seconds)}/s p99 ${rounded(own.load.p99)} ms; ` +
      `processed ${rounded(own.processedPerSecond)}/s (a workflow per event ${rounded(perEvent)}/s), delay p50 ${rounded(own.delay50)} ms p99 ${rounded(own.delay99)} ms; ` +
      `${rounded(own.actionsPerThousand)} Temporal actions per 1,000`,
  )
}

/** At a rate that the hub is not full with, while a sync of everything runs. */
async function whileSyncing(): Promise<LoadResult> {
  const syncing = await hub.connect({ exports_per_minute: '999999' }, 'zendesk')
  const connection = await connect()
  const run = await hub.hub.startSync({ connectionId: syncing.connectionId }, syncing)
  const result = await load({ url: urlOf(connection), posts: 1_500, rate: 150, mark: 'syncing' })
  await hub.temporal.client.workflow
    .getHandle(run.workflowId, run.runId)
    .result()
    .catch(() => undefined)
  return result
}

const busy = await whileSyncing()
console.log(`while a sync runs, 150 a second: answer p50 ${rounded(busy.p50)} ms p99 ${rounded(busy.p99)} ms`)
const accepted = median(kept.accepting.map((one) => posts / one.seconds))
const bareInsert = median(kept.insert.map((one) => posts / one.seconds))
const processed = median(kept.ours.map((one) => one.processedPerSecond))
const perEvent = median(kept.workflow)
const of = (pick: (one: OurRound) => number) => rounded(median(kept.ours.map(pick)))
console.log(
  JSON.stringify({
    bench: 'webhooks',
    ratio: rounded(accepted / bareInsert, 2),
    acceptedPerSecond: rounded(accepted),
    acceptedWhileProcessingPerSecond: of((one) => posts / one.load.seconds),
    bareInsertPerSecond: rounded(bareInsert),
    answerP50Ms: rounded(median(kept.accepting.map((one) => one.p50))),
    answerP99Ms: rounded(median(kept.accepting.map((one) => one.p99))),
    bareAnswerP99Ms: rounded(median(kept.insert.map((one) => one.p99))),
    processedRatio: rounded(processed / perEvent, 1),
    processedPerSecond: rounded(processed),
    workflowPerEventPerSecond: rounded(perEvent),
    delayP50Ms: of((one) => one.delay50),
    delayP99Ms: of((one) => one.delay99),
    answerP99WhileSyncingMs: rounded(busy.p99),
    actionsPer1000: of((one) => one.actionsPerThousand),
    posts,
    rounds,
  }),
)
loader.disconnect()
bare.disconnect()
await hub.close()
