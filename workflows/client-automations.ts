/** Starting and steering runs of automations, their schedules, and the one dispatcher of events. */
import { ScheduleNotFoundError, type ScheduleClient } from '@temporalio/client'
import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/common'
import { isMadeNow, reaching } from './client-errors.ts'
import type { HubClientOptions, Started } from './client-options.ts'
import { decidedSignal, temporalPriority, workflowIds } from './messages.ts'
import type { dispatchEvents, runAutomation } from './run-automation.ts'
import { searchAttributes } from './search-attributes.ts'

interface RunFacts {
  readonly automationRunId: string
  readonly partnerId: string
  readonly accountId: string
  readonly name: string
}

/** What a schedule must know of its automation; null for one that no schedule starts. */
interface Scheduled {
  readonly automationId: string
  readonly partnerId: string
  readonly accountId: string
  readonly name: string
  readonly isEnabled: boolean
  readonly schedule: { readonly cron: string; readonly timeZone?: string } | null
}

/** How long an execution may take to close after its last step. */
const closingMs = 10_000

type ScheduleOptions = Parameters<typeof ScheduleClient.prototype.create<typeof runAutomation>>[0]

export function createAutomationClient({ client, taskQueue }: HubClientOptions) {
  const scheduleOf = (automationId: string) =>
    client.schedule.getHandle(workflowIds.automationSchedule(automationId))
  const deleteSchedule = async (automationId: string): Promise<void> => {
    await scheduleOf(automationId)
      .delete()
      .catch((error: unknown) => {
        if (!(error instanceof ScheduleNotFoundError)) throw error
      })
  }
  return {
    /** Takes a run up, also one that had failed and is resumed. Repeatable: one that is under way is joined. */
    startAutomationRun: (run: RunFacts): Promise<Started> =>
      reaching(async () => {
        const workflowId = workflowIds.runAutomation(run.automationRunId)
        const handle = await client.workflow.start<typeof runAutomation>('runAutomation', {
          workflowId,
          workflowIdConflictPolicy: 'USE_EXISTING',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          taskQueue,
          args: [{ automationRunId: run.automationRunId }],
          typedSearchAttributes: searchAttributes(run),
          priority: { priorityKey: temporalPriority.interactive, fairnessKey: run.partnerId },
          staticSummary: `Automation: ${run.name}`,
        })
        return { workflowId, runId: handle.firstExecutionRunId }
      }),
    /**
     * Waits for the end of an execution that has said its last word already (its row tells so) and is just closing: a run that is resumed at
     * that moment would join it and never be taken up.
     */
    awaitAutomationEnd: (automationRunId: string): Promise<void> =>
      reaching(async () => {
        const handle = client.workflow.getHandle(workflowIds.runAutomation(automationRunId))
        const end = Date.now() + closingMs
        const isOpen = () =>
          handle.describe().then(
            ({ status }) => status.name === 'RUNNING',
            (error: unknown) => {
              if (error instanceof WorkflowNotFoundError) return false
              throw error
            },
          )
        while ((await isOpen()) && Date.now() < end) await new Promise((next) => setTimeout(next, 50))
      }),
    /** Tells a run that waits that its decision is there. */
    tellApproval: (workflowId: string): Promise<void> =>
      reaching(() => client.workflow.getHandle(workflowId).signal(decidedSignal), {
        missing: 'The run is not under way any more. Resume it.',
      }),
    /** @throws HubError `NoSuchThing` when it is not under way. */
    cancelAutomationRun: (workflowId: string): Promise<void> =>
      reaching(async () => void (await client.workflow.getHandle(workflowId).cancel()), {
        missing: 'The run is not under way any more.',
      }),
    /** Makes sure that the dispatcher of events runs. Repeatable, cheap. */
    ensureDispatcher: (): Promise<void> =>
      reaching(async () => {
        try {
          await client.workflow.start<typeof dispatchEvents>('dispatchEvents', {
            workflowId: workflowIds.dispatchEvents(taskQueue),
            workflowIdConflictPolicy: 'USE_EXISTING',
            workflowIdReusePolicy: 'ALLOW_DUPLICATE',
            taskQueue,
            args: [],
            staticSummary: 'Starts automations from the change feed',
          })
        } catch (error) {
          if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
        }
      }),
    /** Makes the automation's schedule, brings it in line, or removes it. Repeatable. */
    ensureAutomationSchedule: (automation: Scheduled): Promise<void> =>
      reaching(async () => {
        const { automationId, schedule, isEnabled } = automation
        if (!schedule) return await deleteSchedule(automationId)
        const options: ScheduleOptions = {
          scheduleId: workflowIds.automationSchedule(automationId),
          spec: { cronExpressions: [schedule.cron], timezone: schedule.timeZone ?? 'UTC' },
          policies: { overlap: 'SKIP', catchupWindow: '1 hour' },
          state: { paused: !isEnabled },
          typedSearchAttributes: searchAttributes(automation),
          action: {
            type: 'startWorkflow',
            workflowType: 'runAutomation',
            workflowId: workflowIds.automationTick(automationId),
            taskQueue,
            args: [{ automationId }],
          },
        }
        const create = () => client.schedule.create<typeof runAutomation>(options)
        if (await isMadeNow(create)) return
        // An update of a cron text would add to what it was compiled to: made anew.
        await deleteSchedule(automationId)
        await create()
      }),
    /** Where a run's workflow is: under its own id, or under that of the tick that began it. */
    automationWorkflowId: async (run: {
      readonly automationRunId: string
      readonly dedupeKey: string
    }): Promise<string> => {
      const own = workflowIds.runAutomation(run.automationRunId)
      if (!run.dedupeKey.startsWith('automation-tick:')) return own
      try {
        await client.workflow.getHandle(own).describe()
        return own
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error
        return run.dedupeKey.slice(0, run.dedupeKey.lastIndexOf('/'))
      }
    },
  }
}
