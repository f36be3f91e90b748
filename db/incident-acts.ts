/** What people do about an incident. What is done to the first of a group is done to the group. */
import { sql } from 'kysely'
import { HubError } from '../platform/errors.ts'
import { appendAudit } from './audit.ts'
import { inTransaction, type Db } from './client.ts'
import { addIncidentEntry, getIncident, incidentColumns, type Incident } from './incidents.ts'

export type IncidentAct =
  | { readonly kind: 'acknowledge'; readonly note?: string | undefined }
  | { readonly kind: 'snooze'; readonly until: Date; readonly note?: string | undefined }
  | { readonly kind: 'resolve'; readonly note?: string | undefined }
  | { readonly kind: 'note'; readonly note: string }

export interface Acted {
  readonly incident: Incident
  /** False: it was so already. */
  readonly changed: boolean
}

const verbs = { acknowledge: 'acknowledged', snooze: 'snoozed', resolve: 'resolved', note: 'noted' } as const

/**
 * @param expectedVersion of the incident itself; another one is refused.
 * @throws HubError `NoSuchThing`, `PreconditionFailed`, `StateConflict` for one that is over.
 */
export function actOnIncident(
  db: Db,
  wish: {
    readonly incidentId: string
    readonly act: IncidentAct
    readonly actor: string
    readonly expectedVersion?: number | undefined
  },
): Promise<Acted> {
  const { incidentId, act, actor, expectedVersion } = wish
  return inTransaction(db, async (tx) => {
    const group = await lockGroup(tx, incidentId)
    const before = group.find((one) => one.incidentId === incidentId)
    if (!before) throw new HubError('NoSuchThing', `There is no incident "${incidentId}".`)
    if (expectedVersion !== undefined && expectedVersion !== before.version)
      throw new HubError('PreconditionFailed', 'The incident has changed. Read it again and decide anew.')
    const targets = group.filter((one) => concerns(act, one))
    if (before.state === 'resolved' && act.kind !== 'note' && targets.length === 0) {
      if (act.kind === 'resolve') return { incident: before, changed: false }
      throw new HubError('StateConflict', 'This incident is over.')
    }
    if (act.kind === 'note') await addIncidentEntry(tx, before, entryOf(act, actor))
    else
      for (const one of targets) {
        await change(tx, one.incidentId, act, actor)
        await addIncidentEntry(tx, one, entryOf(act, actor))
      }
    const incident = (await getIncident(tx, incidentId)) ?? before
    const isChanged = act.kind === 'note' || targets.length > 0
    if (isChanged)
      await appendAudit(tx, {
        ...{ actor, action: `incident.${verbs[act.kind]}`, subject: incidentId },
        ...(before.partnerId === null ? {} : { partnerId: before.partnerId }),
        details: { incidents: act.kind === 'note' ? 1 : targets.length, version: incident.version },
      })
    return { incident, changed: isChanged }
  })
}

/** The incident and, of the first of a group, all of it; locked in the order of their ids. */
async function lockGroup(tx: Db, incidentId: string): Promise<Incident[]> {
  const found = await sql<Incident>`
    select ${incidentColumns} from incidents where incident_id = ${incidentId} or leader_id = ${incidentId} order by incident_id for update
  `.execute(tx)
  return found.rows
}

/** Whether an act changes anything about an incident. */
function concerns(act: IncidentAct, { state, snoozedUntil }: Incident): boolean {
  if (act.kind === 'note' || state === 'resolved') return false
  if (act.kind === 'acknowledge') return state !== 'acknowledged'
  if (act.kind === 'snooze') return state !== 'snoozed' || snoozedUntil?.getTime() !== act.until.getTime()
  return true
}

async function change(
  tx: Db,
  incidentId: string,
  act: Exclude<IncidentAct, { kind: 'note' }>,
  actor: string,
): Promise<void> {
  const set =
    act.kind === 'acknowledge'
      ? sql`state = 'acknowledged', acknowledged_at = now(), acknowledged_by = ${actor}, snoozed_until = null`
      : act.kind === 'snooze'
        ? sql`state = 'snoozed', snoozed_until = ${act.until}::timestamptz`
        : sql`state = 'resolved', resolved_at = now(), resolved_by = ${actor}, snoozed_until = null,
            resolution = ${act.note ?? `Resolved by ${actor}.`}`
  await sql`update incidents set ${set}, version = version + 1 where incident_id = ${incidentId}`.execute(tx)
}

function entryOf(act: IncidentAct, actor: string) {
  const note = act.note === undefined ? '' : ` ${act.note}`
  const texts = {
    acknowledge: `Acknowledged by ${actor}.${note}`,
    snooze: act.kind === 'snooze' ? `Snoozed until ${act.until.toISOString()} by ${actor}.${note}` : '',
    resolve: act.note ?? `Resolved by ${actor}.`,
    note: act.note ?? '',
  }
  const kinds = { acknowledge: 'acknowledged', snooze: 'snoozed', resolve: 'resolved', note: 'note' } as const
  return { kind: kinds[act.kind], actor, text: texts[act.kind] }
}

/** Those of a group whose snooze is over are open again. True when there are any. */
export async function endSnoozes(tx: Db, leaderId: string, now: Date): Promise<boolean> {
  const found = await sql<Incident>`
    update incidents set state = 'open', snoozed_until = null, version = version + 1
    where (incident_id = ${leaderId} or leader_id = ${leaderId}) and state = 'snoozed' and snoozed_until <= ${now}::timestamptz
    returning ${incidentColumns}
  `.execute(tx)
  for (const one of found.rows)
    await addIncidentEntry(tx, one, { kind: 'note', actor: 'escalateIncident', text: 'The snooze is over.' })
  return found.rows.length > 0
}
