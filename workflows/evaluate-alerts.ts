/** Looks what alert policies find and has it told; started every minute by its schedule, `{}` by hand does the same. */
import { proxyActivities, setCurrentDetails } from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import { temporalPriority, type EvaluateAlertsResult } from './messages.ts'
import { retry, times } from './retry.ts'

const activities = proxyActivities<Pick<Activities, 'evaluateAlerts' | 'sendAlerts'>>({
  ...times.delivery,
  // The next tick does it as well.
  retry: retry.check,
  priority: { priorityKey: temporalPriority.interactive },
})

export async function evaluateAlerts(): Promise<EvaluateAlertsResult> {
  const { hasOthers, ...found } = await activities.evaluateAlerts({})
  const { sent } = hasOthers ? await activities.sendAlerts({ incidentId: null }) : { sent: 0 }
  const { policies, opened, resolved, followed, woken } = found
  setCurrentDetails(
    `${policies} policies: ${opened} incidents opened, ${resolved} resolved; ${followed} are told of from now on, ${woken} were woken.`,
  )
  return { ...found, sent }
}
