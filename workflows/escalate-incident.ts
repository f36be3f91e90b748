/**
 * Tells of one incident, until it is over: the next step of each policy that tells of it when its time has come, level by level, by durable
 * timers. What was told and what comes next is in Postgres; this may end at any time, and be started again.
 *
 * Answer it from here: the updates `acknowledge`, `snooze` (`{"minutes": 60}`) and `resolve`.
 */
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import type { IncidentActInput, IncidentActResult } from '../activities/alerts.ts'
import type { AlertPlan } from '../activities/incident-plan.ts'
import type { Activities } from '../activities/index.ts'
import {
  acknowledgeUpdate,
  resolveUpdate,
  snoozeUpdate,
  temporalPriority,
  wakeSignal,
  type AnswerInput,
  type EscalateIncidentInput,
  type EscalateIncidentResult,
} from './messages.ts'
import { retry, times } from './retry.ts'
import { searchAttributes } from './search-attributes.ts'
import { checkIdInput, invalidInput } from './validate.ts'

const { planAlerts, actOnIncident } = proxyLocalActivities<Activities>({
  startToCloseTimeout: '20 seconds',
  retry: retry.database,
})

const { sendAlerts } = proxyActivities<Activities>({
  ...times.delivery,
  retry: retry.database,
  summary: 'Send what is due',
  priority: { priorityKey: temporalPriority.interactive },
})

/** Without anything to wait for it looks again after this: a wake may be lost. */
const longestMs = 6 * 3_600_000

/** Woken by what evaluates alerts and by the API; `{"incidentId": "inc_…"}` by hand does the same. */
export async function escalateIncident(input: EscalateIncidentInput): Promise<EscalateIncidentResult> {
  const { continued, ...own } = { ...input }
  const incidentId = checkIdInput(own, 'incidentId', 'incident')
  const seen: Seen = { isWoken: false, plan: undefined }
  setHandler(wakeSignal, () => void (seen.isWoken = true))
  answering(incidentId, seen)
  let sent = continued?.sent ?? 0
  for (;;) {
    seen.isWoken = false
    const plan = await planAlerts({ incidentId })
    if (!plan) throw invalidInput(`There is no incident "${incidentId}".`)
    seen.plan = plan
    show(plan)
    if (workflowInfo().continueAsNewSuggested) {
      await condition(allHandlersFinished)
      await continueAsNew<typeof escalateIncident>({ incidentId, continued: { sent } })
    }
    if (plan.hasDue && plan.waitMs === 0) {
      const result = await sendAlerts({ incidentId })
      sent += result.sent
      if (result.sent + result.failed > 0) continue
    }
    if (plan.ended) {
      await condition(allHandlersFinished)
      // Something that came while the last message went out: another look.
      if (seen.isWoken) continue
      return { incidentId, state: plan.state, sent }
    }
    await condition(() => seen.isWoken, Math.min(longestMs, Math.max(1_000, plan.waitMs ?? longestMs)))
  }
}

interface Seen {
  isWoken: boolean
  plan: AlertPlan | undefined
}

function show({ details, provider, partnerId, state }: AlertPlan): void {
  setCurrentDetails(details)
  upsertSearchAttributes(
    searchAttributes({
      provider: provider ?? undefined,
      partnerId: partnerId ?? undefined,
      outcome: state === 'resolved' ? 'succeeded' : undefined,
    }),
  )
}

/** The three answers, as updates: refused at once when they make no sense. */
function answering(incidentId: string, seen: Seen): void {
  const act = async (
    kind: IncidentActInput['kind'],
    { by = 'temporal-ui', note, minutes }: AnswerInput = {},
  ): Promise<IncidentActResult> => {
    const given = {
      ...(note === undefined ? {} : { note }),
      ...(minutes === undefined ? {} : { minutes }),
    }
    const result = await actOnIncident({ incidentId, kind, by, ...given })
    seen.isWoken = true
    return result
  }
  setHandler(acknowledgeUpdate, (answer) => act('acknowledge', answer), {
    validator: (answer) => checkAnswer(answer, seen, false),
    description: 'Take it on: nobody else is told. {"by": "…", "note": "…"}, both optional.',
  })
  setHandler(snoozeUpdate, (answer) => act('snooze', answer), {
    validator: (answer) => checkAnswer(answer, seen, true),
    description: 'Leave everybody in peace for so long: {"minutes": 60}.',
  })
  setHandler(resolveUpdate, (answer) => act('resolve', answer), {
    validator: (answer) => checkAnswer(answer, seen, false),
    description: 'It is over. What still fails opens it again.',
  })
}

const mostMinutes = 7 * 24 * 60

function checkAnswer(answer: unknown, { plan }: Seen, isSnooze: boolean): void {
  if (plan?.state === 'resolved') throw invalidInput('This incident is over.')
  if (answer === undefined && !isSnooze) return
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer))
    throw invalidInput('The argument is one JSON object.')
  const { by, note, minutes, ...rest } = answer as Record<string, unknown>
  const [stranger] = Object.keys(rest)
  if (stranger !== undefined) throw invalidInput(`"${stranger}" is not known.`)
  if (by !== undefined && !(typeof by === 'string' && /^[\w.:@-]{1,100}$/.test(by)))
    throw invalidInput('"by" is a name of at most 100 letters, digits and ". : @ _ -".')
  if (note !== undefined && !(typeof note === 'string' && note.length <= 1000))
    throw invalidInput('"note" is a text of at most 1000 characters.')
  const isFine = Number.isInteger(minutes) && Number(minutes) >= 1 && Number(minutes) <= mostMinutes
  if (isSnooze ? !isFine : minutes !== undefined)
    throw invalidInput(
      isSnooze ? `"minutes" is a whole number from 1 to ${mostMinutes}.` : '"minutes" is for a snooze.',
    )
}
