/** The last dependency audit that was given: one row. */
import { sql } from 'kysely'
import type { DependencyAudit } from '../model/dependency-audit.ts'
import type { Db } from './client.ts'

type Stored = Omit<DependencyAudit, 'givenAt'> & { readonly givenAt: Date }

const shown = ({ givenAt, ...rest }: Stored): DependencyAudit => ({ ...rest, givenAt: givenAt.toISOString() })

export async function getDependencyAudit(db: Db): Promise<DependencyAudit | undefined> {
  const found = await sql<Stored>`
    select given_by, given_at, dependencies, packages from dependency_audit
  `.execute(db)
  return found.rows[0] ? shown(found.rows[0]) : undefined
}

export async function putDependencyAudit(tx: Db, given: DependencyAudit): Promise<void> {
  await sql`
    insert into dependency_audit (given_by, given_at, dependencies, packages)
    values (${given.givenBy}, ${given.givenAt}::timestamptz, ${given.dependencies}, ${JSON.stringify(given.packages)}::jsonb)
    on conflict (is_latest) do update set given_by = excluded.given_by, given_at = excluded.given_at,
      dependencies = excluded.dependencies, packages = excluded.packages
  `.execute(tx)
}
