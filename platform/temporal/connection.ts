/** The client's side of Temporal: a connection that waits a moment for a server that is just starting. */
import { setTimeout as delay } from 'node:timers/promises'
import { Client, Connection } from '@temporalio/client'
import type { PayloadCodec } from '@temporalio/common'
import type { TemporalTarget } from '../config.ts'
import { HubError, messageOf } from '../errors.ts'
import type { Tracing } from '../tracing.ts'
import type { KeyRing } from '../secrets/keyring.ts'
import { createCodec } from './codec.ts'
import { createDataConverter } from './data-converter.ts'

export interface TemporalConnection {
  readonly connection: Connection
  readonly client: Client
  /** For the codec server. */
  readonly codec: PayloadCodec
  readonly namespace: string
  close(): Promise<void>
}

export interface ConnectOptions {
  readonly temporal: TemporalTarget
  readonly ring: KeyRing
  /** How long to try; 15 s when left out. */
  readonly waitMs?: number
  /** Calls carry the trace on. */
  readonly tracing?: Tracing | undefined
}

/**
 * Connects and makes sure that the namespace is there.
 * @throws HubError `TemporalUnavailable` with one line that names the variable to look at.
 */
export async function connectTemporal({
  temporal,
  ring,
  waitMs,
  tracing,
}: ConnectOptions): Promise<TemporalConnection> {
  const connection = await withPatience(temporal, waitMs ?? 15_000, () =>
    Connection.connect({ ...temporal.connection, address: temporal.address, connectTimeout: 3_000 }),
  )
  return clientOver(connection, temporal, ring, tracing)
}

/** Does not wait for Temporal: calls fail as long as it is away, and go through once it is there. */
export const approachTemporal = ({
  temporal,
  ring,
  tracing,
}: Omit<ConnectOptions, 'waitMs'>): TemporalConnection =>
  clientOver(Connection.lazy({ ...temporal.connection, address: temporal.address }), temporal, ring, tracing)

function clientOver(
  connection: Connection,
  { namespace }: TemporalTarget,
  ring: KeyRing,
  tracing: Tracing | undefined,
): TemporalConnection {
  const client = new Client({
    connection,
    namespace,
    dataConverter: createDataConverter(ring, namespace),
    ...(tracing ? { interceptors: { workflow: [...tracing.client] } } : {}),
  })
  return {
    connection,
    client,
    codec: createCodec(ring, namespace),
    namespace,
    close: () => connection.close(),
  }
}

/** Repeats `connect` until it succeeds or the time is up. Shared with the worker's native connection. */
export async function withPatience<T>(
  temporal: Pick<TemporalTarget, 'address'>,
  waitMs: number,
  connect: () => Promise<T>,
): Promise<T> {
  const until = Date.now() + waitMs
  for (;;) {
    try {
      return await connect()
    } catch (error) {
      if (Date.now() + 500 > until) {
        throw new HubError(
          'TemporalUnavailable',
          `Temporal does not answer at ${temporal.address}. Start it, or correct TEMPORAL_ADDRESS.`,
          { cause: error, internal: messageOf(error) },
        )
      }
      await delay(500)
    }
  }
}
