/**
 * Task queues and how much of each one process takes on. One queue for workflows and hub work, one per provider, so that
 * a provider can be throttled, drained or given workers of its own. Fixed small numbers: on two cores they beat the tuner
 * (temporal-notes §4). Scale by running more processes.
 */
import type { WorkerOptions } from '@temporalio/worker'

/** Queue of the activities that call a provider. Workflows build the same name (`workflows/sync-connection.ts`). */
export const providerQueue = (taskQueue: string, slug: string): string => `${taskQueue}-${slug}`

/** Workflow tasks are short; activities here are database steps. The cache is bounded so that memory is. */
export const hubTuning = {
  maxConcurrentWorkflowTaskExecutions: 20,
  maxConcurrentWorkflowTaskPolls: 4,
  maxConcurrentActivityTaskExecutions: 20,
  maxConcurrentActivityTaskPolls: 2,
  maxConcurrentLocalActivityExecutions: 20,
  maxCachedWorkflows: 200,
  workflowThreadPoolSize: 1,
} as const satisfies Partial<WorkerOptions>

/** Each is a slice of a run: a page being read, one being written, so about two database connections at a time. */
export const providerTuning = {
  maxConcurrentActivityTaskExecutions: 10,
  maxConcurrentActivityTaskPolls: 2,
} as const satisfies Partial<WorkerOptions>

/** Connections to Postgres of one worker process: slices wait for one rather than crowd the server. */
export const databasePoolSize = 16
