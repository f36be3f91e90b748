/** Endpoints, events and the activity that sends them, with a clock that a test sets forward. */
import { sql } from 'kysely'
import { deliverBatch, type DeliverResult } from '../../activities/deliver-events.ts'
import type { ActivityDeps } from '../../activities/deps.ts'
import { asTenant } from '../../db/client.ts'
import { listDeliveries, type Delivery } from '../../db/deliveries.ts'
import { createEndpoint, getEndpoint, sealSecrets, type Endpoint } from '../../db/endpoints.ts'
import { scanEvents } from '../../db/events.ts'
import { ensureAccount, ensurePartner } from '../../db/partners.ts'
import type { Clock } from '../../platform/clock.ts'
import { newId } from '../../platform/new-id.ts'
import { newSigningSecret, type SigningSecret } from '../../platform/secrets/webhook-signing.ts'
import { perform } from './engine.ts'
import { feedInReach } from './feed-in-reach.ts'
import { createTestDatabase } from './postgres.ts'
import { startReceiver } from './receiver.ts'
import { createTestHub } from './worker.ts'

interface TestClock extends Clock {
  advance(ms: number): void
}

function testClock(): TestClock {
  let ahead = 0
  return {
    now: () => new Date(Date.now() + ahead),
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    advance: (ms) => {
      ahead += ms
    },
  }
}

export interface Partner {
  readonly partnerId: string
  readonly accountId: string
}

/** A partner of its own: its stream holds nothing but what the test puts there. */
export async function newPartner({ database }: ActivityDeps): Promise<Partner> {
  const partner = { partnerId: newId('partner'), accountId: newId('account') }
  await ensurePartner(database.db, { partnerId: partner.partnerId, name: 'A partner' })
  await ensureAccount(database.db, { ...partner, name: 'An account' })
  return partner
}

export async function newEndpoint(
  deps: ActivityDeps,
  { partnerId }: Partner,
  url: string,
  wish: Partial<Pick<Endpoint, 'ordered' | 'eventTypes' | 'maxConcurrency' | 'ratePerSecond'>> & {
    readonly secrets?: readonly SigningSecret[]
  } = {},
): Promise<Endpoint> {
  const { db } = deps.database
  const endpointId = newId('endpoint')
  const { secrets = [newSigningSecret('hmac', deps.clock.now())], ...rest } = wish
  const sealedSecrets = await sealSecrets(db, deps.vault, endpointId, secrets)
  return await asTenant(db, partnerId, (tx) =>
    createEndpoint(tx, {
      ...{
        endpointId,
        partnerId,
        url,
        description: '',
        eventTypes: ['*'],
        ordered: false,
        maxConcurrency: 5,
      },
      ...{ ratePerSecond: 1000, createdBy: 'test', sealedSecrets },
      ...rest,
    }),
  )
}

let made = 0

/** Changes of records, each in the stream when this resolves. @returns their external ids. */
export async function happen(
  deps: ActivityDeps,
  { partnerId, accountId }: Partner,
  count: number,
  model = 'ticket',
): Promise<string[]> {
  const { db } = deps.database
  const ids = Array.from({ length: count }, () => `x${String(++made).padStart(6, '0')}`)
  await sql`
    insert into changes (partner_id, account_id, connection_id, resource, external_id, model, effect, version)
    select ${partnerId}, ${accountId}, 'con_x', 'things', id, ${model}, 'created', 1 from unnest(${ids}::text[]) id
  `.execute(db)
  await feedInReach(deps.database.db)
  return ids
}

/** One slice after the other, until it rests. */
export async function deliver(
  deps: ActivityDeps,
  { endpointId }: Pick<Endpoint, 'endpointId'>,
): Promise<DeliverResult> {
  for (;;) {
    const result = await perform(() => deliverBatch(deps, { endpointId }, new AbortController().signal))
    if (result.state !== 'more') return result
  }
}

export async function endpointNow(
  { database }: ActivityDeps,
  { endpointId }: Pick<Endpoint, 'endpointId'>,
): Promise<Endpoint> {
  const endpoint = await getEndpoint(database.db, endpointId)
  if (!endpoint) throw new Error('the endpoint is gone')
  return endpoint
}

/** Oldest first. */
export async function deliveriesOf(
  { database }: ActivityDeps,
  { endpointId }: Pick<Endpoint, 'endpointId'>,
): Promise<Delivery[]> {
  const rows = await listDeliveries(database.db, { endpointId, limit: 1000 })
  return rows.sort((a, b) => Number(a.cursor.seq) - Number(b.cursor.seq))
}

/** Types of the hub's own events in a partner's stream, oldest first. */
export async function toldTo({ database }: ActivityDeps, { partnerId }: Partner): Promise<string[]> {
  const { events } = await scanEvents(database.db, { partnerId, types: null, limit: 1000 })
  return events.map(({ type }) => type)
}

/** External ids of the records that webhooks were about. */
export const idsOf = (webhooks: readonly { readonly event: { readonly data: unknown } }[]): string[] =>
  webhooks.map(({ event }) => String((event.data as { externalId?: string }).externalId))

/** What tests of deliveries stand on: a database, a receiver, and a partner with a clock of its own for each test. */
export async function startDeliveryBench() {
  const database = await createTestDatabase()
  const hub = await createTestHub({ database: database.database, providers: [], startWorkers: false })
  const receiver = await startReceiver()
  return {
    db: database.database.db,
    client: hub.temporal.client,
    receiver,
    /** Answers everything with this. */
    failWith: (status: number, headers: Record<string, string> = {}): void =>
      receiver.answer((response) => void response.writeHead(status, headers).end('no')),
    setup: async () => {
      const clock = testClock()
      const deps: ActivityDeps = { ...hub.deps, clock }
      const partner = await newPartner(deps)
      return {
        clock,
        deps,
        partner,
        endpoint: (wish: Parameters<typeof newEndpoint>[3] = {}) =>
          newEndpoint(deps, partner, receiver.url, wish),
        happen: (count: number, model?: string) => happen(deps, partner, count, model),
      }
    },
    reset: (): void => {
      receiver.answer()
      receiver.received.length = 0
    },
    close: async (): Promise<void> => {
      await receiver.close()
      await hub.close()
      await database.drop()
    },
  }
}

export type DeliveryBench = Awaited<ReturnType<typeof startDeliveryBench>>
