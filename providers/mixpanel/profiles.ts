/** Profiles of people. */
import type { FieldDescription, Page, Position, ProviderContext, Resource, Row } from '../contract.ts'
import { fieldsIn, idText, numberIn, textIn } from './answer.ts'
import { describeProperties } from './describe.ts'
import { placeIn, readEngage } from './engage.ts'
import { profileMapping } from './mapping.ts'
import { profileWriter } from './profile-write.ts'
import { profileSchema } from './schemas.ts'
import { localMoment, withZone } from './times.ts'

const hourMs = 3_600_000
/**
 * `$last_seen` has no zone and may be the project's (up to 12 hours behind UTC); the rest is for updates that take their
 * time to show.
 */
const overlapMs = 24 * hourMs
/**
 * `$last_seen` moves with `$set`, `$append` and `$add`, unless the sender asks for `$ignore_time`; not with a merge or a
 * removed property. So what changed since is read by it, and at least once a day everything.
 */
const fullEveryMs = 24 * hourMs

/** What one read of profiles is about; kept in the position while its pages are read. */
interface Read {
  readonly began: number
  /** Milliseconds; undefined: everything. */
  readonly since: number | undefined
  /** When everything was read last. */
  readonly fullAt: number
}

function readOf(position: Position, now: Date): Read {
  const began = numberIn(position, 'began')
  const since = numberIn(position, 'since')
  const fullAt = numberIn(position, 'fullAt') ?? 0
  if (began !== undefined) return { began, since, fullAt }
  const isFull = since === undefined || now.getTime() - fullAt >= fullEveryMs
  return { began: now.getTime(), since: isFull ? undefined : since, fullAt: isFull ? now.getTime() : fullAt }
}

/** `properties["$last_seen"] >= "2026-11-01T00:00:00"`, the form that Airbyte's connector uses. */
const questionOf = ({ since }: Read): Readonly<Record<string, string>> =>
  since === undefined
    ? {}
    : { where: `properties["$last_seen"] >= "${new Date(since).toISOString().slice(0, 19)}"` }

async function readPage(context: ProviderContext, position: Position): Promise<Page> {
  const read = readOf(position, context.now())
  const { rows, next, readAt } = await readEngage(context, questionOf(read), placeIn(position))
  const { began, since, fullAt } = read
  return {
    rows: rows.map((row) => withZone(row, context.settings)),
    next: next
      ? { ...next, began, fullAt, ...(since === undefined ? {} : { since }) }
      : { since: began - overlapMs, fullAt },
    done: next === undefined,
    readAt,
  }
}

async function getMany(context: ProviderContext, ids: readonly string[]) {
  if (ids.length === 0) return { rows: [], readAt: context.now() }
  const { rows, readAt } = await readEngage(context, { distinct_ids: JSON.stringify(ids) }, undefined)
  return { rows: rows.map((row) => withZone(row, context.settings)), readAt }
}

/** Zone of the row where it was noted, else UTC. */
export const lastSeen = (row: Row): string | undefined =>
  localMoment(textIn(fieldsIn(row, '$properties'), '$last_seen'), {
    project_timezone: textIn(fieldsIn(row, 'derived'), 'zone') ?? '',
  })

/** Costs one query, besides the Lexicon. */
async function describe(context: ProviderContext): Promise<readonly FieldDescription[]> {
  const { rows } = await readEngage(context, {}, undefined)
  return await describeProperties(
    context,
    'profile',
    '$properties',
    rows.map((row) => fieldsIn(row, '$properties')),
  )
}

export const profiles: Resource = {
  name: 'profiles',
  title: 'Profiles',
  model: 'profile',
  after: [],
  incremental: true,
  deletions: 'scan',
  schema: profileSchema,
  volatile: [],
  start: () => ({}),
  readPage,
  externalId: (row) => idText(row['$distinct_id']) ?? '',
  updatedAt: lastSeen,
  getMany,
  mapping: profileMapping,
  describe,
  write: profileWriter,
}
