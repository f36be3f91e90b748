/** An evaluation of alert policies by hand, and the waking of what tells of an incident. */
import { reaching } from './client-errors.ts'
import type { HubClientOptions } from './client-options.ts'
import type { escalateIncident } from './escalate-incident.ts'
import type { evaluateAlerts } from './evaluate-alerts.ts'
import { temporalPriority, wakeSignal, workflowIds, type EvaluateAlertsResult } from './messages.ts'
import { searchAttributes } from './search-attributes.ts'

interface IncidentFacts {
  readonly incidentId: string
  readonly title: string
  readonly provider: string | null
  readonly partnerId: string | null
}

export function createAlertClient({ client, taskQueue }: Pick<HubClientOptions, 'client' | 'taskQueue'>) {
  return {
    incidentWorkflowId: ({ incidentId }: { readonly incidentId: string }): string =>
      workflowIds.escalateIncident(incidentId),

    /** Starts what tells of an incident, or tells it that there is news. */
    wakeIncident: ({ incidentId, title, provider, partnerId }: IncidentFacts): Promise<void> =>
      reaching(async () => {
        await client.workflow.signalWithStart<typeof escalateIncident>('escalateIncident', {
          workflowId: workflowIds.escalateIncident(incidentId),
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          taskQueue,
          args: [{ incidentId }],
          signal: wakeSignal,
          typedSearchAttributes: searchAttributes({
            provider: provider ?? undefined,
            partnerId: partnerId ?? undefined,
          }),
          priority: { priorityKey: temporalPriority.interactive },
          staticSummary: title.slice(0, 200),
        })
      }),

    /** Evaluates the policies now and waits for it; joins an evaluation by hand that is under way. */
    evaluateAlerts: (timeoutMs = 25_000): Promise<EvaluateAlertsResult> =>
      reaching(() =>
        client.withDeadline(Date.now() + timeoutMs, () =>
          client.workflow.execute<typeof evaluateAlerts>('evaluateAlerts', {
            workflowId: workflowIds.evaluateAlertsNow(taskQueue),
            workflowIdConflictPolicy: 'USE_EXISTING',
            workflowIdReusePolicy: 'ALLOW_DUPLICATE',
            workflowExecutionTimeout: '2 minutes',
            taskQueue,
            args: [],
            priority: { priorityKey: temporalPriority.interactive },
            staticSummary: 'Alert policies, now',
          }),
        ),
      ),
  }
}
