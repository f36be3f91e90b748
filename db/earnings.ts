/** Reports over commission lines: sums by month, account, level or partner; what is held until when; who has earned most. */
import { sql } from 'kysely'
import type { Db } from './client.ts'

export interface EarningsRow {
  readonly key: string
  readonly currency: string
  readonly earnedMinor: number
  readonly takenBackMinor: number
  readonly netMinor: number
  readonly heldMinor: number
  readonly dueMinor: number
  readonly inStatementMinor: number
  readonly paidMinor: number
  readonly lines: number
}

export interface Months {
  readonly from?: string | undefined
  readonly to?: string | undefined
}

const within = ({ from, to }: Months) => sql`
  ${from === undefined ? sql`` : sql`and period >= ${from}`} ${to === undefined ? sql`` : sql`and period <= ${to}`}`

const keys = {
  period: sql`period`,
  account: sql`account_id`,
  level: sql`level::text`,
  partner: sql`partner_id`,
} as const

/** At most 1,000 rows. */
export async function earnings(
  db: Db,
  query: Months & { readonly by: keyof typeof keys; readonly partnerId?: string | undefined },
): Promise<EarningsRow[]> {
  const of = (condition: ReturnType<typeof sql>) =>
    sql`coalesce(sum(amount_minor) filter (where ${condition}), 0)::bigint`
  const found = await sql<EarningsRow>`
    select ${keys[query.by]} as key, currency, ${of(sql`kind <> 'reversal'`)} as earned_minor, ${of(sql`kind = 'reversal'`)} as taken_back_minor,
      ${of(sql`true`)} as net_minor, ${of(sql`state in ('accrued', 'held')`)} as held_minor, ${of(sql`state = 'due'`)} as due_minor,
      ${of(sql`state = 'in_statement'`)} as in_statement_minor, ${of(sql`state = 'paid'`)} as paid_minor, count(*)::int as lines
    from commission_lines where true ${query.partnerId === undefined ? sql`` : sql`and partner_id = ${query.partnerId}`} ${within(query)}
    group by 1, 2 order by 1, 2 limit 1000
  `.execute(db)
  return found.rows
}

export interface PipelineRow {
  readonly day: string
  readonly currency: string
  readonly amountMinor: number
  readonly lines: number
}

/** What is held, by the day on which it becomes due. */
export async function heldPipeline(
  db: Db,
  query: { readonly partnerId?: string | undefined },
): Promise<PipelineRow[]> {
  const found = await sql<PipelineRow>`
    select to_char(held_until at time zone 'UTC', 'YYYY-MM-DD') as day, currency, sum(amount_minor)::bigint as amount_minor, count(*)::int as lines
    from commission_lines where state = 'held' ${query.partnerId === undefined ? sql`` : sql`and partner_id = ${query.partnerId}`}
    group by 1, 2 order by 1, 2 limit 1000
  `.execute(db)
  return found.rows
}

export interface Rank {
  readonly rank: number
  readonly partnerId: string
  readonly partnerName: string
  readonly netMinor: number
  readonly ownMinor: number
  readonly belowMinor: number
  readonly accounts: number
}

export async function leaderboard(
  db: Db,
  query: Months & { readonly currency: string; readonly top: number },
): Promise<Rank[]> {
  const found = await sql<Rank>`
    select row_number() over (order by l.net_minor desc, l.partner_id)::int as rank, l.partner_id, p.name as partner_name, l.net_minor, l.own_minor,
      l.net_minor - l.own_minor as below_minor, l.accounts
    from (select partner_id, sum(amount_minor)::bigint as net_minor, coalesce(sum(amount_minor) filter (where level = 0), 0)::bigint as own_minor,
        count(distinct account_id)::int as accounts
      from commission_lines where currency = ${query.currency} ${within(query)} group by partner_id) l join partners p using (partner_id)
    order by 1 limit ${query.top}
  `.execute(db)
  return found.rows
}
