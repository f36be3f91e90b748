/** Maintenance windows: while one lasts, nobody is told of incidents of what it is about. */
import { sql } from 'kysely'
import type { Db } from './client.ts'

export interface MaintenanceWindow {
  readonly windowId: string
  readonly partnerId: string | null
  readonly provider: string | null
  readonly connectionId: string | null
  readonly reason: string
  readonly startsAt: Date
  readonly endsAt: Date
  readonly createdBy: string
  readonly createdAt: Date
}

const windowColumns = sql`window_id, partner_id, provider, connection_id, reason, starts_at, ends_at, created_by, created_at`

export async function insertWindow(
  tx: Db,
  made: Omit<MaintenanceWindow, 'createdAt'>,
): Promise<MaintenanceWindow> {
  const rows = await sql<MaintenanceWindow>`
    insert into maintenance_windows (window_id, partner_id, provider, connection_id, reason, starts_at, ends_at, created_by)
    values (${made.windowId}, ${made.partnerId}, ${made.provider}, ${made.connectionId}, ${made.reason}, ${made.startsAt}::timestamptz,
      ${made.endsAt}::timestamptz, ${made.createdBy}) returning ${windowColumns}
  `.execute(tx)
  const [row] = rows.rows
  if (!row) throw new Error('an insert returned no row')
  return row
}

/** Those that are not over, or all; newest first. */
export async function listWindows(
  db: Db,
  query: { readonly before?: string | undefined; readonly all?: boolean | undefined; readonly limit: number },
): Promise<MaintenanceWindow[]> {
  const found = await sql<MaintenanceWindow>`
    select ${windowColumns} from maintenance_windows where ${query.all ? sql`true` : sql`ends_at > now()`}
      ${query.before === undefined ? sql`` : sql`and window_id < ${query.before}`} order by window_id desc limit ${query.limit}
  `.execute(db)
  return found.rows
}

export async function getWindow(db: Db, windowId: string): Promise<MaintenanceWindow | undefined> {
  const found = await sql<MaintenanceWindow>`
    select ${windowColumns} from maintenance_windows where window_id = ${windowId}
  `.execute(db)
  return found.rows[0]
}

/** Undefined for one that is over, or changed meanwhile: what is written must be what was checked. */
export async function changeWindow(
  tx: Db,
  before: MaintenanceWindow,
  after: Pick<MaintenanceWindow, 'reason' | 'startsAt' | 'endsAt'>,
  now: Date,
): Promise<MaintenanceWindow | undefined> {
  const found = await sql<MaintenanceWindow>`
    update maintenance_windows set reason = ${after.reason}, starts_at = ${after.startsAt}::timestamptz, ends_at = ${after.endsAt}::timestamptz
    where window_id = ${before.windowId} and ends_at > ${now}::timestamptz
      and starts_at = ${before.startsAt}::timestamptz and ends_at = ${before.endsAt}::timestamptz
    returning ${windowColumns}
  `.execute(tx)
  return found.rows[0]
}

/** One that has not begun is taken back, one that lasts ends now. */
export async function endWindow(tx: Db, windowId: string, now: Date): Promise<MaintenanceWindow | undefined> {
  const found = await sql<MaintenanceWindow>`
    delete from maintenance_windows where window_id = ${windowId} and ends_at > ${now}::timestamptz returning ${windowColumns}
  `.execute(tx)
  return found.rows[0]
}

/** Until when maintenance keeps an incident quiet; null when it does not. Windows that follow upon each other are one. */
export async function maintenanceUntil(
  db: Db,
  about: {
    readonly partnerId: string | null
    readonly provider: string | null
    readonly connectionId: string | null
  },
  now: Date,
): Promise<Date | null> {
  const found = await sql<{ startsAt: Date; endsAt: Date }>`
    select starts_at, ends_at from maintenance_windows where ends_at > ${now}::timestamptz
      and (partner_id is null or partner_id = ${about.partnerId}) and (provider is null or provider = ${about.provider})
      and (connection_id is null or connection_id = ${about.connectionId})
    order by starts_at limit 100
  `.execute(db)
  let until: Date | null = null
  for (const { startsAt, endsAt } of found.rows)
    if (startsAt <= (until ?? now) && (until === null || endsAt > until)) until = endsAt
  return until
}
