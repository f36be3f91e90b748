/** What the parts of the client share. */
import type { Client } from '@temporalio/client'

export interface HubClientOptions {
  /** With the hub's data converter (`platform/temporal/connection.ts`). */
  readonly client: Client
  readonly taskQueue: string
  /** Temporal's UI, for links. */
  readonly uiUrl: string
  readonly namespace: string
}

export interface Started {
  readonly workflowId: string
  /** Temporal's id of this execution. */
  readonly runId: string
}
