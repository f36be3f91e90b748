/**
 * How fast a sync is beside a bare loop that pages the same data and upserts it into the same table shape. Both sides use
 * the same sandbox process and the same Postgres, in turn, several times; each provider in a hub of its own. Last line: one
 * JSON object; `ratio` is that of the first provider.
 *
 *   npm run bench:sync                       each provider with the number of records that its bare loop names, 3 rounds
 *   npm run bench:sync -- 20000 2            20,000 records, 2 rounds
 *   npm run bench:sync -- 20000 2 <slug>     one provider
 */
import { startProcesses } from '../test/harness/processes.ts'
import { bareLoops, type BareLoop } from './bare-loops.ts'
import { createBareTable, syncBare } from './bare-sync.ts'
import { syncHub, type HubRun } from './hub-sync.ts'
import { median, message, rounded, start } from './tools.ts'

const [wantedRecords, wantedRounds, slug] = process.argv.slice(2)
const rounds = Number(wantedRounds ?? 3)
const loops = bareLoops.filter((loop) => slug === undefined || loop.slug === slug)
if (loops.length === 0)
  throw new Error(`no bench for ${slug}; there are: ${bareLoops.map((loop) => loop.slug).join(', ')}`)

interface SandboxProcess {
  readonly url: string
  readonly originMap: Readonly<Record<string, string>>
}

async function startSandboxProcess(
  loop: BareLoop,
  records: number,
): Promise<SandboxProcess & { stop(): void }> {
  const wish = { port: 0, size: loop.size(records), limits: loop.limits }
  const child = start('sandbox-process.ts', JSON.stringify(wish))
  return { ...(await message<SandboxProcess>(child)), stop: () => child.disconnect() }
}

const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)

interface Pair {
  readonly hub: HubRun
  readonly bare: number
}

async function measure(loop: BareLoop): Promise<Record<string, number | string>> {
  const records = Number(wantedRecords ?? loop.records)
  const sandbox = await startSandboxProcess(loop, records)
  const hub = await startProcesses({ sandbox: { size: loop.size(1) }, originMap: sandbox.originMap })
  const table = createBareTable(hub.database.pool)
  const first: Pair[] = []
  const later: Pair[] = []
  try {
    for (let round = 1; round <= rounds; round++) {
      await table.reset()
      const bareFirst = await syncBare(hub.database.pool, sandbox.url, loop)
      const connection = await hub.connect(loop.settings, loop.slug)
      const hubFirst = await syncHub(hub, connection, loop.resource)
      first.push({ hub: hubFirst, bare: bareFirst.seconds })
      say(loop, `round ${round}: first load`, hubFirst, bareFirst)
      if (loop.followsCursor) {
        await edit(sandbox.url, loop, Math.min(10_000, Math.floor(records / 10)))
        const bareLater = await syncBare(hub.database.pool, sandbox.url, loop, bareFirst.last)
        const hubLater = await syncHub(hub, connection, loop.resource)
        later.push({ hub: hubLater, bare: bareLater.seconds })
        say(loop, `round ${round}: incremental`, hubLater, bareLater)
      }
    }
    return summary(loop, records, first, later)
  } finally {
    await hub.close()
    sandbox.stop()
  }
}

async function edit(url: string, loop: BareLoop, update: number): Promise<void> {
  await fetch(`${url}/_sandbox/${loop.slug}/edits`, {
    method: 'POST',
    body: JSON.stringify({ resource: loop.resource, update }),
  })
}

function say(
  loop: BareLoop,
  what: string,
  hub: HubRun,
  bare: { readonly rows: number; readonly seconds: number },
): void {
  const rate = ({ rows, seconds }: { readonly rows: number; readonly seconds: number }) =>
    `${rows} rows, ${Math.round(rows / seconds)}/s`
  console.log(`${loop.slug} ${what}: hub ${rate(hub)}; bare ${rate(bare)}`)
}

function summary(loop: BareLoop, records: number, first: readonly Pair[], later: readonly Pair[]) {
  const memory = first.flatMap((one) => one.hub.memory)
  const last = first.at(-1)?.hub.memory ?? []
  const fifth = Math.max(1, Math.floor(last.length / 5))
  const actions = first.map((one) => (one.hub.actions + one.hub.seconds / 3) * (100_000 / one.hub.rows))
  return {
    provider: loop.slug,
    records,
    ratio: rounded(median(first.map((one) => one.bare / one.hub.seconds)), 3),
    ...(later.length > 0
      ? { incrementalRatio: rounded(median(later.map((one) => one.bare / one.hub.seconds)), 3) }
      : {}),
    recordsPerSecond: Math.round(median(first.map((one) => one.hub.rows / one.hub.seconds))),
    bareRecordsPerSecond: Math.round(median(first.map((one) => one.hub.rows / one.bare))),
    actionsPer100kRecords: rounded(median(actions), 1),
    peakMemoryMb: Math.round(Math.max(...memory)),
    memoryMbSecondFifth: Math.round(mean(last.slice(fifth, 2 * fifth))),
    memoryMbLastFifth: Math.round(mean(last.slice(-fifth))),
  }
}

const figures = []
for (const loop of loops) figures.push(await measure(loop))
console.log(JSON.stringify({ bench: 'sync', rounds, ratio: figures[0]?.['ratio'], providers: figures }))
