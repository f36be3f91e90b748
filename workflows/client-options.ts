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

/** Of a connection, what its workflows are found and named by. */
export interface ConnectionFacts {
  readonly connectionId: string
  readonly partnerId: string
  readonly accountId: string
  readonly provider: string
  readonly name: string
}

export interface Started {
  readonly workflowId: string
  /** Temporal's id of this execution. */
  readonly runId: string
}
