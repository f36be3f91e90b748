/**
 * A round of health checks over the connections of one provider, on its schedule (`health:<provider>`): slices over all of them, then the
 * verdict. From when the provider is found out of reach only a canary asks, twice a minute; when it gets through, the lanes are opened and
 * a round shows how everything is.
 */
import {
  proxyActivities,
  setCurrentDetails,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { RoundStart, RoundVerdict } from '../activities/health-verdict.ts'
import { temporalPriority, type CheckHealthInput, type CheckHealthResult } from './messages.ts'
import { retry } from './retry.ts'
import { searchAttributes } from './search-attributes.ts'
import { invalidInput } from './validate.ts'

const { startHealthRound, judgeHealthRound } = proxyActivities<Activities>({
  startToCloseTimeout: '2 minutes',
  retry: retry.database,
})

const defaultEverySeconds = 300
/** The first canary of a run asks at once, the others after this. */
const canaryPauseSeconds = 30
/** One that got through is followed by a second one, which opens the lanes. */
const secondLookSeconds = 5

/** Started by its schedule; `{"provider": "…"}` by hand does a round now. */
export async function checkHealth(input: CheckHealthInput): Promise<CheckHealthResult> {
  const { provider, everySeconds } = checked(input)
  upsertSearchAttributes(searchAttributes({ provider }))
  const start = await startHealthRound({ provider })
  const first = start.paused ? undefined : await round(provider, start)
  if (first && !first.paused) return ended(first)
  // Out of reach, as it was found just now or before: only the canary asks until it is back.
  if (await waitForCanary(provider, start, everySeconds)) return ended(await round(provider, start))
  return ended(first ?? { provider, state: 'down', looked: 0, probed: 0, bad: 0, changed: 0 })
}

interface Round extends CheckHealthResult {
  readonly paused: boolean
}

async function round(provider: string, start: RoundStart): Promise<Round> {
  const sum = await lookAtAll(provider, start)
  const verdict = await judgeHealthRound({ provider })
  show(start, verdict, sum)
  return { provider, state: verdict.state, paused: verdict.paused, ...sum }
}

function ended({ provider, state, looked, probed, bad, changed }: CheckHealthResult): CheckHealthResult {
  upsertSearchAttributes(searchAttributes({ outcome: state === 'down' ? 'failed' : 'succeeded' }))
  return { provider, state, looked, probed, bad, changed }
}

function checked(input: CheckHealthInput): Required<CheckHealthInput> {
  if (typeof input !== 'object' || input === null) throw invalidInput('The input is {"provider": "…"}.')
  const { provider, everySeconds = defaultEverySeconds, ...rest } = input
  const [stranger] = Object.keys(rest)
  if (stranger !== undefined)
    throw invalidInput(`"${stranger}" is not known. The input is {"provider": "…"}.`)
  if (typeof provider !== 'string' || !/^[a-z][a-z0-9-]{1,40}$/.test(provider))
    throw invalidInput('"provider" is the slug of a provider.')
  if (!Number.isInteger(everySeconds) || everySeconds < 30 || everySeconds > 86_400)
    throw invalidInput('"everySeconds" is a whole number from 30 to 86400.')
  return { provider, everySeconds }
}

const atProvider = (provider: string, summary: string) =>
  proxyActivities<Activities>({
    taskQueue: `${workflowInfo().taskQueue}-${provider}`,
    startToCloseTimeout: '2 minutes',
    heartbeatTimeout: '15 seconds',
    retry: retry.check,
    priority: { priorityKey: temporalPriority.interactive },
    summary,
  })

/** Asks until the provider is back, or until the next tick of the schedule goes on with it. */
async function waitForCanary(
  provider: string,
  { providerName }: RoundStart,
  everySeconds: number,
): Promise<boolean> {
  const { askCanary } = atProvider(provider, `Ask whether ${providerName} is back`)
  for (let spent = 0; ;) {
    const { paused, ok, reason } = await askCanary({ provider })
    if (!paused) return true
    setCurrentDetails(`**${providerName}** is out of reach; its lanes are paused. The last probe: ${reason}`)
    const pause = ok ? secondLookSeconds : canaryPauseSeconds
    spent += pause
    if (spent > everySeconds) return false
    await sleep(pause * 1000, { summary: 'until the next probe' })
  }
}

type Sum = Pick<CheckHealthResult, 'looked' | 'probed' | 'bad' | 'changed'>

async function lookAtAll(provider: string, { since, providerName }: RoundStart): Promise<Sum> {
  const sum = { looked: 0, probed: 0, bad: 0, changed: 0 }
  let after: string | null = ''
  while (after !== null) {
    const { checkHealthSlice } = atProvider(
      provider,
      `${providerName}: connections from ${sum.looked + 1} on`,
    )
    const slice: Awaited<ReturnType<Activities['checkHealthSlice']>> = await checkHealthSlice({
      provider,
      after,
      since,
    })
    sum.looked += slice.looked
    sum.probed += slice.probed
    sum.bad += slice.bad
    sum.changed += slice.changed
    after = slice.next
  }
  return sum
}

function show(
  { providerName }: RoundStart,
  { state, culprit, reason, counts }: RoundVerdict,
  sum: Sum,
): void {
  const rows = Object.entries(counts).map(([name, count]) => `| ${name} | ${count} |`)
  setCurrentDetails(
    [
      `**${providerName}**: ${state}${culprit === null ? '' : `, culprit: ${culprit}`}`,
      ...(reason === null ? [] : [reason]),
      `${sum.looked} connections looked at, ${sum.probed} of them asked, ${sum.changed} changed.`,
      ...(rows.length === 0 ? [] : [['| state | connections |', '| --- | --- |', ...rows].join('\n')]),
    ].join('\n\n'),
  )
}
