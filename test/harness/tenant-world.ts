/**
 * A tenant with a thing of every kind: one row in every table that has a tenant, made from the catalogue. So a table that is added
 * is filled too; where its checks are too particular, `special` says what its columns hold.
 */
import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { appendAudit } from '../../db/audit.ts'
import { inTransaction, type Db } from '../../db/client.ts'
import { idPrefixes, type IdKind } from '../../model/ids.ts'
import { newId } from '../../platform/new-id.ts'

/** Columns that are called otherwise than what they name. */
const kinds: Readonly<Record<string, IdKind>> = {
  key_id: 'apiKey',
  event_id: 'inboxEvent',
  rule_id: 'hookRule',
  set_id: 'writeSet',
}

/** By table and column, or by column. */
const special: Readonly<Record<string, unknown>> = {
  provider: 'zendesk',
  resource: 'tickets',
  model: 'ticket',
  external_id: 'seed-1',
  currency: 'EUR',
  period: '2026-11',
  'memberships.role': 'viewer',
  'invitations.role': 'viewer',
  // It is in the statement that this tenant has.
  'commission_lines.state': 'in_statement',
  'key_policies.quiet_seconds': '300',
  'maintenance_windows.ends_at': new Date('2099-01-01'),
  // The transaction of the seed sums to zero.
  'ledger_entries.amount_minor': '0',
  'automations.definition': JSON.stringify({
    connections: {},
    trigger: { kind: 'manual' },
    steps: [{ name: 'ask', approval: { question: 'Go on?' } }],
  }),
}

interface Column {
  readonly table: string
  readonly name: string
  readonly type: string
  readonly isNeeded: boolean
  readonly isMade: boolean
  /** The first of the values that a check allows. */
  readonly allowed: string | null
}
interface Reference {
  readonly table: string
  readonly target: string
  readonly columns: readonly string[]
  readonly targetColumns: readonly string[]
}
type Row = Readonly<Record<string, unknown>>

export interface TenantWorld {
  readonly partnerId: string
  /** Ids of what it has, by prefix: `con` → `con_…`. */
  readonly ids: ReadonlyMap<string, string>
  /** Tables that could not be filled, and why. */
  readonly unfilled: Readonly<Record<string, string>>
}

/** Makes a partner with a thing of every kind. */
export async function seedTenant(db: Db, partnerId: string): Promise<TenantWorld> {
  const [columns, references] = [await columnsOf(db), await referencesOf(db)]
  const rows = new Map<string, Row>([['partners', { partner_id: partnerId }]])
  const person = newId('person')
  await sql`insert into people (person_id, email, name, created_by) values (${person}, ${`${person.toLowerCase()}@x.example`}, 'Seed', 'test')`.execute(
    db,
  )
  rows.set('people', { person_id: person })
  await sql`insert into ledger_transactions (transaction_id, kind, subject, currency) values (${person}, 'accrue', ${person}, 'EUR')`.execute(
    db,
  )
  rows.set('ledger_transactions', { transaction_id: person })
  const unfilled: Record<string, string> = {}
  // A chain: only whoever knows how may add to it.
  const entry = { actor: 'test', action: 'tenant.seeded', subject: partnerId, partnerId }
  await inTransaction(db, (tx) => appendAudit(tx, entry))
  for (const table of inOrder([...new Set(columns.map((column) => column.table))], references)) {
    if (table === 'audit') continue
    const own = columns.filter((column) => column.table === table)
    try {
      rows.set(table, await insertRow(db, table, rowOf(table, own, references, rows, partnerId)))
    } catch (error) {
      unfilled[table] = error instanceof Error ? error.message : String(error)
    }
  }
  const ids = new Map<string, string>()
  for (const row of rows.values())
    for (const value of Object.values(row)) {
      const [, prefix] =
        /^([a-z]+)_[0-9A-HJKMNP-TV-Z]{26}$/.exec(typeof value === 'string' ? value : '') ?? []
      if (prefix !== undefined && !ids.has(prefix)) ids.set(prefix, String(value))
    }
  return { partnerId, ids, unfilled }
}

/** What counts calls: those that the tenant has made itself are written a moment later. */
const counters = ['quota_usage', 'usage_daily', 'usage_accounts']

/** A hash of all that a tenant has, table by table: equal before and after, nothing of it was changed. */
export async function fingerprint(db: Db, partnerId: string): Promise<Readonly<Record<string, string>>> {
  const tables = [...new Set((await columnsOf(db)).map(({ table }) => table)), 'partners']
  const hashes: Record<string, string> = {}
  for (const table of tables.filter((one) => !counters.includes(one))) {
    const found = await sql<{ hash: string }>`
      select count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') as hash
      from ${sql.table(table)} t where partner_id = ${partnerId}`.execute(db)
    hashes[table] = found.rows[0]?.hash ?? ''
  }
  return hashes
}

async function columnsOf(db: Db): Promise<Column[]> {
  const found = await sql<Column>`
    select c.relname as "table", a.attname as name, format_type(a.atttypid, null) as type,
      a.attnotnull and not a.atthasdef and a.attidentity = '' as is_needed, a.attgenerated <> '' or a.attidentity <> '' as is_made,
      (select (regexp_match(pg_get_constraintdef(k.oid), '\\m' || a.attname || ' (?:= ANY \\(ARRAY\\[|= )''([^'']+)'''))[1]
        from pg_constraint k where k.conrelid = c.oid and k.contype = 'c'
          and pg_get_constraintdef(k.oid) ~ ('\\m' || a.attname || ' = ') order by k.conname limit 1) as allowed
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = 'public'::regnamespace
      and c.relname not in ('partners', 'partner_ancestry')
      and exists (select from pg_attribute p where p.attrelid = c.oid and p.attname = 'partner_id' and not p.attisdropped)
    order by c.relname, a.attnum`.execute(db)
  return found.rows
}

async function referencesOf(db: Db): Promise<Reference[]> {
  const names = (keys: ReturnType<typeof sql.ref>, table: ReturnType<typeof sql.ref>) => sql`(
    select array_agg(a.attname::text order by u.n) from unnest(${keys}) with ordinality u (k, n)
    join pg_attribute a on a.attrelid = ${table} and a.attnum = u.k)`
  const found = await sql<Reference>`
    select k.conrelid::regclass::text as "table", k.confrelid::regclass::text as target,
      ${names(sql.ref('k.conkey'), sql.ref('k.conrelid'))} as columns,
      ${names(sql.ref('k.confkey'), sql.ref('k.confrelid'))} as target_columns
    from pg_constraint k where k.contype = 'f' and k.conparentid = 0`.execute(db)
  return found.rows
}

/** What is referred to comes first. */
function inOrder(tables: readonly string[], references: readonly Reference[]): string[] {
  const ordered: string[] = []
  const visit = (table: string, path: readonly string[]): void => {
    if (ordered.includes(table) || path.includes(table)) return
    for (const { target } of references.filter((one) => one.table === table && tables.includes(one.target)))
      visit(target, [...path, table])
    ordered.push(table)
  }
  // Connections first: what has no reference to them has their id all the same.
  for (const table of ['accounts', 'connections', 'runs', ...tables])
    if (tables.includes(table)) visit(table, [])
  return ordered
}

function rowOf(
  table: string,
  columns: readonly Column[],
  references: readonly Reference[],
  rows: ReadonlyMap<string, Row>,
  partnerId: string,
): Row {
  const row: Record<string, unknown> = { partner_id: partnerId }
  for (const { target, columns: from, targetColumns } of references.filter((one) => one.table === table)) {
    const known = rows.get(target)
    if (known && target !== table)
      from.forEach((name, n) => (row[name] = known[targetColumns[n] ?? ''] ?? row[name]))
  }
  for (const column of columns) {
    const { name, isNeeded, isMade } = column
    const isGiven = row[name] !== undefined && row[name] !== null
    if (isGiven || isMade) continue
    const value = special[`${table}.${name}`] ?? special[name] ?? seen(name, rows)
    if (value !== undefined) row[name] = value
    else if (isNeeded) row[name] = valueOf(column)
  }
  return row
}

/** An id that another thing of this tenant has under the same name. */
function seen(name: string, rows: ReadonlyMap<string, Row>): unknown {
  // Of a data key.
  if (name === 'owner_id') return rows.get('accounts')?.['account_id']
  // Of the database's own transactions, or of the ledger's.
  if (!/_id$/.test(name) || name === 'external_id' || name === 'transaction_id') return undefined
  for (const row of rows.values()) if (row[name] !== undefined && row[name] !== null) return row[name]
  return undefined
}

/** `channel_id` is the id of an `alertChannel`. */
function kindOfId(name: string): IdKind | undefined {
  const stem = name.replace(/_id$/, '').replace(/_(\w)/g, (_all, letter: string) => letter.toUpperCase())
  const known = kinds[name] ?? stem
  const all = Object.keys(idPrefixes) as IdKind[]
  const end = known.charAt(0).toUpperCase() + known.slice(1)
  return all.find((kind) => kind === known) ?? all.find((kind) => kind.endsWith(end))
}

function valueOf({ name, type, allowed }: Column): unknown {
  if (allowed !== null) return allowed
  const kind = name.endsWith('_id') ? kindOfId(name) : undefined
  if (kind) return newId(kind)
  if (type.endsWith('[]')) return []
  // Of each tenant its own: what is unique in the whole hub must not be met twice.
  if (type === 'text')
    return name === 'email' ? 'seed@x.example' : `seed-${name}-${randomBytes(6).toString('hex')}`
  if (type === 'bytea') return randomBytes(32)
  if (type === 'boolean') return false
  if (/^jsonb?$/.test(type)) return '{}'
  if (/^(timestamp|date)/.test(type)) return new Date()
  return '1'
}

async function insertRow(db: Db, table: string, row: Row): Promise<Row> {
  const names = Object.keys(row)
  const made = await sql<Row>`
    insert into ${sql.table(table)} (${sql.join(names.map((name) => sql.ref(name)))})
    values (${sql.join(names.map((name) => sql.val(row[name])))})
    returning to_jsonb(${sql.table(table)}.*) as whole`.execute(db)
  return (made.rows[0]?.['whole'] ?? {}) as Row
}
