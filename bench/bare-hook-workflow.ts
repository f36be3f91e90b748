/** One workflow for one webhook. */
import { proxyActivities } from '@temporalio/workflow'

const { apply } = proxyActivities<{ apply(event: { id: string; object: string }): Promise<void> }>({
  startToCloseTimeout: '30 seconds',
})

export async function bareHook(event: { id: string; object: string }): Promise<void> {
  await apply(event)
}
