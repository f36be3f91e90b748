/**
 * How long a round of health checks over many connections of one provider takes, what it costs in Temporal actions, and how that compares with a
 * bare loop that makes the same calls and does nothing else; same sandbox, in turn. Last line: one JSON object.
 *
 *   npm run bench:health                10,000 connections, 2 rounds
 *   npm run bench:health -- 1000 3
 */
import { sql } from 'kysely'
import { noLimits } from '../test/harness/engine.ts'
import { startProcesses, type Processes } from '../test/harness/processes.ts'
import { countActions } from './hub-sync.ts'
import { median, message, rounded, start } from './tools.ts'

const connections = Number(process.argv[2] ?? 10_000)
const rounds = Number(process.argv[3] ?? 2)
/** The hub's default: TIELINE_HEALTH_EVERY_SECONDS. */
const intervalSeconds = 300
/** As the hub probes. */
const parallel = 16

const sandbox = start('sandbox-process.ts', JSON.stringify({ port: 0, limits: noLimits }))
const { originMap } = await message<{ originMap: Record<string, string> }>(sandbox)
const hub = await startProcesses({ originMap, sandbox: {}, env: { TIELINE_LOG_LEVEL: 'warn' } })

async function connectAll({ connect }: Processes): Promise<string> {
  let made = 0
  let provider = ''
  const lane = async (): Promise<void> => {
    while (made < connections) {
      made++
      provider = (await connect()).provider
    }
  }
  await Promise.all(Array.from({ length: 8 }, lane))
  return provider
}

interface Round {
  readonly seconds: number
  readonly actions: number
  readonly probed: number
  readonly bad: number
}

async function round(provider: string): Promise<Round> {
  const began = performance.now()
  const { workflowId, runId } = await hub.hub.startHealthRound(provider)
  const handle = hub.temporal.client.workflow.getHandle(workflowId, runId)
  const result = (await handle.result()) as {
    readonly looked: number
    readonly probed: number
    readonly bad: number
  }
  const seconds = (performance.now() - began) / 1000
  if (result.looked !== connections) throw new Error(`${result.looked} of ${connections} were looked at`)
  const { events } = await handle.fetchHistory()
  return { seconds, actions: countActions(events ?? []), probed: result.probed, bad: result.bad }
}

/** Nobody has called the provider lately: every connection must be asked. */
const forgetTraffic = () => sql`truncate call_stats`.execute(hub.database.db)

/** As if a sync had just called for each: nobody needs to be asked. */
const pretendTraffic = () =>
  sql`insert into call_stats (hour, connection_id, call_group, partner_id, provider, calls, latency, last_ok_at)
    select date_trunc('hour', now()), connection_id, 'bench', partner_id, provider, 1, '{1}', now() from connections`.execute(
    hub.database.db,
  )

async function bare(): Promise<number> {
  const [url = ''] = Object.entries(originMap).flatMap(([real, local]) =>
    real.includes('zendesk') ? [local] : [],
  )
  const { secrets, settings } = (await import('../sandbox/simulators.ts')).simulators[0]?.sample ?? {}
  const authorization = `Basic ${Buffer.from(`${settings?.['email']}/token:${Object.values(secrets ?? {})[0]}`).toString('base64')}`
  const origin = `https://${settings?.['subdomain']}.zendesk.com`
  const wish = {
    urls: ['/api/v2/users/me', '/api/v2/account/settings'].map((one) => url + one),
    ...{ probes: connections, parallel, headers: { authorization, 'x-tieline-origin': origin } },
  }
  const run = start('bare-probes.ts', JSON.stringify(wish))
  const { seconds, failed } = await message<{ seconds: number; failed: number }>(run)
  if (failed > 0) throw new Error(`${failed} bare probes failed`)
  return seconds
}

console.log(`Connecting ${connections} …`)
const provider = await connectAll(hub)
const probes: Round[] = []
const bares: number[] = []
let byTraffic: Round | undefined
for (let turn = 0; turn < rounds; turn++) {
  await forgetTraffic()
  const asked = await round(provider)
  probes.push(asked)
  console.log(
    `round ${turn + 1}: ${rounded(asked.seconds, 2)} s, ${asked.probed} asked, ${asked.bad} bad, ${asked.actions} actions`,
  )
  await pretendTraffic()
  byTraffic = await round(provider)
  console.log(
    `  again, known from calls that were made anyway: ${rounded(byTraffic.seconds, 2)} s, ${byTraffic.probed} asked, ${byTraffic.actions} actions`,
  )
  bares.push(await bare())
  console.log(`  bare loop: ${rounded(bares.at(-1) ?? NaN, 2)} s`)
}
await hub.close()
sandbox.kill()
const seconds = median(probes.map((one) => one.seconds))
console.log(
  JSON.stringify({
    bench: 'health',
    connections,
    seconds: rounded(seconds, 2),
    withinInterval: seconds < intervalSeconds,
    intervalSeconds,
    perSecond: rounded(connections / seconds, 1),
    asked: median(probes.map((one) => one.probed)),
    bad: Math.max(...probes.map((one) => one.bad)),
    actions: median(probes.map((one) => one.actions)),
    actionsPerThousandConnections: rounded(
      (median(probes.map((one) => one.actions)) / connections) * 1000,
      2,
    ),
    secondsWhenTrafficTells: rounded(byTraffic?.seconds ?? NaN, 2),
    bareSeconds: rounded(median(bares), 2),
    ratio: rounded(median(bares) / seconds, 2),
  }),
)
process.exit(0)
