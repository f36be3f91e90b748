/**
 * Commissions without Temporal or a provider: real Postgres, the real activities, and billing documents that are put into the store as a
 * sync puts them there (a record, its version and the change of the feed in one transaction).
 */
import { sql } from 'kysely'
import { followCommissions } from '../../activities/commission-feed.ts'
import { postSource } from '../../activities/commission-post.ts'
import { createCommissionActivities } from '../../activities/commissions.ts'
import type { ActivityDeps } from '../../activities/deps.ts'
import { createAttribution } from '../../db/attributions.ts'
import { addPlanVersion, createPlan, getPlan } from '../../db/commission-plans.ts'
import { listPendingSources, startListening } from '../../db/commission-sources.ts'
import type { Db } from '../../db/client.ts'
import { createConnection } from '../../db/connections.ts'
import { checkLedger } from '../../db/ledger.ts'
import { defaultTenant, ensureAccount, ensureDefaultTenant } from '../../db/partners.ts'
import type { PlanDefinition } from '../../model/commission.ts'
import type { JsonObject } from '../../model/json.ts'
import { createLog } from '../../platform/log.ts'
import { createMetrics } from '../../platform/metrics.ts'
import { newId } from '../../platform/new-id.ts'
import { feedInReach } from './feed-in-reach.ts'
import { createTestDatabase, type TestDatabase } from './postgres.ts'

export interface Document {
  readonly model: 'invoice' | 'payment' | 'creditNote'
  readonly id: string
  readonly mapped: JsonObject
  /** When it was changed at the provider; now when left out. */
  readonly at?: Date
  readonly deleted?: boolean
}

export interface Line {
  readonly partnerId: string
  readonly level: number
  readonly kind: string
  readonly state: string
  readonly currency: string
  readonly amountMinor: number
}

export type CommissionBench = Awaited<ReturnType<typeof startCommissionBench>>

export const eur = (amountMinor: number) => ({ amountMinor, currency: 'EUR' })
/** An invoice in euros, paid in full, without tax unless told otherwise. */
export const paidInvoice = (id: string, total: number, more: JsonObject = {}): Document => ({
  model: 'invoice',
  id,
  mapped: {
    id,
    number: `R-${id}`,
    customerId: 'cus-1',
    status: 'paid',
    currency: 'EUR',
    subtotal: eur(total),
    total: eur(total),
    balance: eur(0),
    lines: [],
    ...more,
  },
})
export const credit = (id: string, total: number, more: JsonObject = {}): Document => ({
  model: 'creditNote',
  id,
  mapped: {
    id,
    customerId: 'cus-1',
    status: 'open',
    currency: 'EUR',
    total: eur(total),
    applied: [],
    ...more,
  },
})

export const tenPercent: PlanDefinition = {
  basis: 'invoices',
  rules: [{ kind: 'percentage', rateBasisPoints: 1000 }],
  levels: [70, 20, 10],
  refundDays: 0,
  minimumPayout: {},
}

/** A bench in a database of its own, or in that of a hub. Partners hub > top > middle > seller; the seller's account is the customer `cus-1` of a billing connection of the hub. */
export async function startCommissionBench(within?: { readonly deps: ActivityDeps }) {
  const test: Pick<TestDatabase, 'database' | 'drop'> = within
    ? { database: within.deps.database, drop: () => Promise.resolve() }
    : await createTestDatabase()
  const { db } = test.database
  await ensureDefaultTenant(db)
  const [top, middle, seller, account, connectionId] = [
    newId('partner'),
    newId('partner'),
    newId('partner'),
    newId('account'),
    newId('connection'),
  ]
  for (const [partnerId, parentId] of [
    [top, null],
    [middle, top],
    [seller, middle],
  ])
    await sql`insert into partners (partner_id, name, parent_id) values (${partnerId}, ${`Partner ${partnerId}`}, ${parentId})`.execute(
      db,
    )
  await ensureAccount(db, { accountId: account, partnerId: seller, name: 'Customer' })
  await createConnection(db, {
    connectionId,
    partnerId: defaultTenant.partnerId,
    accountId: defaultTenant.accountId,
    provider: 'acme-books',
    auth: 'token',
    name: 'Books',
    settings: {},
  })
  let now = new Date()
  const deps: ActivityDeps =
    within?.deps ??
    ({
      database: test.database,
      metrics: createMetrics(),
      clock: { now: () => now },
      log: createLog('commission-bench', process.env['TIELINE_TEST_LOG'] ?? 'silent'),
    } as unknown as ActivityDeps)
  const activities = createCommissionActivities(deps)

  const attribute = async (
    customerId: string | null = 'cus-1',
    of = { partnerId: seller, accountId: account },
  ) => {
    await createAttribution(db, {
      attributionId: newId('attribution'),
      ...of,
      connectionId,
      customerId,
      effectiveFrom: '2020-01-01',
      createdBy: 'test',
    })
    await startListening(db)
  }
  const planId = newId('commissionPlan')
  const plan = async (definition: PlanDefinition, effectiveFrom = '2020-01-01'): Promise<void> => {
    const before = await getPlan(db, planId)
    const made = { planId, partnerId: null, tier: null, name: 'Standard', definition, effectiveTo: null }
    const version = { ...made, state: 'active' as const, effectiveFrom, createdBy: 'test' }
    await (before ? addPlanVersion(db, version, before.version + 1) : createPlan(db, version))
  }
  const put = (document: Document) => store(db, connectionId, document)
  /** Reads the feed to its end and posts what is pending; answers how many sources there were. */
  const settle = async (): Promise<number> => {
    await feedInReach(db)
    for (;;) {
      await followCommissions(deps)
      if (!(await followCommissions(deps))) break
    }
    let posted = 0
    for (;;) {
      const pending = await listPendingSources(db, 50)
      const [one] = pending
      if (!one) return posted
      await postSource(deps, one.sourceId)
      posted++
    }
  }
  const lines = async (): Promise<Line[]> => {
    const found = await sql<Line>`
      select partner_id, level, kind, state, currency, amount_minor from commission_lines order by created_at, source_id, document_key, level
    `.execute(db)
    return found.rows
  }
  /** What each level has left, by state. */
  const netByLevel = async (): Promise<number[]> => {
    const net: number[] = []
    for (const { level, amountMinor } of await lines()) net[level] = (net[level] ?? 0) + amountMinor
    return net
  }
  return {
    db,
    deps,
    activities,
    top,
    middle,
    seller,
    account,
    connectionId,
    planId,
    attribute,
    plan,
    put,
    settle,
    lines,
    netByLevel,
    now: () => now,
    pass: (days: number) => {
      now = new Date(now.getTime() + days * 86_400_000)
    },
    goTo: (time: string) => {
      now = new Date(time)
    },
    check: async () => {
      const { violations } = await checkLedger(db)
      expect(violations).toEqual([])
    },
    close: () => test.drop(),
  }
}

async function store(
  db: Db,
  connectionId: string,
  { model, id, mapped, at = new Date(), deleted = false }: Document,
): Promise<void> {
  const { partnerId, accountId } = defaultTenant
  await db.transaction().execute(async (tx) => {
    const made = await sql<{ version: number }>`
      insert into records as r (connection_id, resource, external_id, partner_id, account_id, model, raw, mapped, fingerprint, source_updated_at,
        read_at, deleted_at)
      values (${connectionId}, ${`${model}s`}, ${id}, ${partnerId}, ${accountId}, ${model}, '{}', ${JSON.stringify(mapped)}::jsonb, 'f',
        ${at}::timestamptz, now(), ${deleted ? at : null}::timestamptz)
      on conflict (connection_id, resource, external_id) do update set mapped = excluded.mapped, version = r.version + 1,
        source_updated_at = excluded.source_updated_at, deleted_at = excluded.deleted_at
      returning version
    `.execute(tx)
    const version = made.rows[0]?.version ?? 1
    await sql`
      insert into changes (partner_id, account_id, connection_id, resource, external_id, model, effect, version)
      values (${partnerId}, ${accountId}, ${connectionId}, ${`${model}s`}, ${id}, ${model},
        ${deleted ? 'deleted' : version === 1 ? 'created' : 'updated'}, ${version})
    `.execute(tx)
  })
}
