/** The database: reachable, new enough, of this code, guarded, in time. */
import { openDatabase } from '../../db/client.ts'
import { databaseFacts, ringKeysInUse } from '../../db/doctor.ts'
import { checkSchema } from '../../db/migrate.ts'
import { messageOf } from '../../platform/errors.ts'
import { bad, look, ok, type DoctorFinding } from './finding.ts'

export interface DatabaseLook {
  readonly findings: readonly DoctorFinding[]
  /** Undefined when the database could not be asked. */
  readonly ringKeys: readonly string[] | undefined
}

const leastVersion = 15
/** Limits and leases are told by the clocks of both. */
const skewMs = 2_000

export async function lookAtDatabase(url: string): Promise<DatabaseLook> {
  const database = openDatabase({ url, poolSize: 1, applicationName: 'tieline-doctor' })
  try {
    const began = Date.now()
    const facts = await databaseFacts(database.db)
    const middle = (began + Date.now()) / 2
    const schema = await schemaFinding(database.db)
    const findings = [
      versionFinding(facts.version, facts.bytes),
      schema,
      clockFinding(facts.now.getTime() - middle),
    ]
    findings.push(tenantFinding(facts.hasTenantRole, facts.unguarded), roomFinding(facts))
    if (schema.state !== 'ok') return { findings, ringKeys: undefined }
    return { findings, ringKeys: await ringKeysInUse(database.db) }
  } catch (error) {
    // The text of the driver may show a host, never the password.
    const detail = `It does not answer: ${messageOf(error) || 'no connection'}.`
    const finding = bad('database', detail, 'Start Postgres, or correct DATABASE_URL.')
    return { findings: [finding], ringKeys: undefined }
  } finally {
    await database.close()
  }
}

function versionFinding(version: number, bytes: number): DoctorFinding {
  const detail = `Postgres ${Math.floor(version / 10_000)}.${version % 10_000}, ${(bytes / 2 ** 20).toFixed(0)} MB.`
  return version >= leastVersion * 10_000
    ? ok('database', detail)
    : bad('database', detail, `The hub needs Postgres ${leastVersion} or newer.`)
}

async function schemaFinding(db: Parameters<typeof checkSchema>[0]): Promise<DoctorFinding> {
  try {
    await checkSchema(db)
    return ok('schema', 'It is the one of this code.')
  } catch (error) {
    return bad('schema', messageOf(error), 'Run "tieline migrate" with this code.')
  }
}

function clockFinding(differsMs: number): DoctorFinding {
  const detail = `The clock of the database differs by ${Math.round(Math.abs(differsMs))} ms from ours.`
  return Math.abs(differsMs) <= skewMs ? ok('clock', detail) : bad('clock', detail, 'Keep both by NTP.')
}

function tenantFinding(hasRole: boolean, unguarded: readonly string[]): DoctorFinding {
  if (!hasRole)
    return bad(
      'tenants',
      'The user of DATABASE_URL cannot become tieline_tenant.',
      'As an owner of the database: grant tieline_tenant to that user.',
    )
  return unguarded.length === 0
    ? ok('tenants', 'Row-level security guards every table that has a tenant.')
    : bad(
        'tenants',
        `Nothing guards ${unguarded.join(', ')}.`,
        'Restore the policies: "tieline migrate" made them.',
      )
}

function roomFinding({
  connections,
  connectionsAtMost,
}: {
  connections: number
  connectionsAtMost: number
}): DoctorFinding {
  const detail = `${connections} of ${connectionsAtMost} connections to the database are in use.`
  return connections < connectionsAtMost * 0.8
    ? ok('room', detail)
    : look('room', detail, 'Raise max_connections, or run fewer processes: each takes up to 40.')
}
