/** What is read from Zendesk, in the order in which it is synced. */
import type { ProviderContext, Resource, Row } from '../contract.ts'
import { bodyOf, get, idText, readCount, rowsIn, timeIn } from './answer.ts'
import { comments } from './comments.ts'
import { articles, sections } from './help-center.ts'
import { organizationMapping, ticketMapping, userMapping } from './mapping.ts'
import {
  canResumeExport,
  exportStart,
  readCursorExport,
  readTimeExport,
  wholeExport,
  type TimeExport,
} from './paging.ts'
import { satisfactionRatings, surveyResponses } from './satisfaction.ts'
import { organizationSchema, ticketSchema, userSchema } from './schemas.ts'
import { organizationWriter, userWriter } from './write-party.ts'
import { ticketWriter } from './write-ticket.ts'

/** `show_many?ids=1,2,…`: at most 100 ids; ids that are gone are missing from the answer. */
function showMany(path: string, key: string) {
  return async (
    context: ProviderContext,
    ids: readonly string[],
  ): Promise<{ rows: readonly Row[]; readAt: Date }> => {
    if (ids.length === 0) return { rows: [], readAt: context.now() }
    const response = await get(context, 'support', path, { ids: ids.join(',') })
    return { rows: rowsIn(bodyOf(response, key), key), readAt: response.readAt }
  }
}

const organizationExport: TimeExport = {
  path: '/api/v2/incremental/organizations',
  key: 'organizations',
  group: 'export',
  list: { path: '/api/v2/organizations', group: 'support' },
  secondOf(row) {
    const time = timeIn(row, 'updated_at')
    return time === undefined ? undefined : Math.floor(Date.parse(time) / 1000)
  },
}

const organizations: Resource = {
  name: 'organizations',
  title: 'Organizations',
  model: 'organization',
  after: [],
  incremental: true,
  // The export gives a deleted organization with `deleted_at`; that is not in the reference, so full reads scan as well.
  deletions: 'scan',
  schema: organizationSchema,
  volatile: [],
  canResume: canResumeExport,
  start: () => wholeExport,
  readPage: (context, position) => readTimeExport(context, organizationExport, position),
  externalId: (row) => idText(row['id']) ?? '',
  updatedAt: (row) => timeIn(row, 'updated_at'),
  isDeleted: (row) => timeIn(row, 'deleted_at') !== undefined,
  getMany: showMany('/api/v2/organizations/show_many', 'organizations'),
  count: (context) => readCount(context, '/api/v2/organizations/count'),
  mapping: organizationMapping,
  write: organizationWriter,
}

const users: Resource = {
  name: 'users',
  title: 'Users',
  model: 'user',
  after: ['organizations'],
  incremental: true,
  deletions: 'tombstone',
  schema: userSchema,
  // Signing in changes the user without anybody editing it.
  volatile: ['last_login_at'],
  start: () => exportStart,
  readPage: (context, position) =>
    readCursorExport(context, { path: '/api/v2/incremental/users/cursor', key: 'users' }, position),
  externalId: (row) => idText(row['id']) ?? '',
  updatedAt: (row) => timeIn(row, 'updated_at'),
  isDeleted: (row) => row['active'] === false,
  getMany: showMany('/api/v2/users/show_many', 'users'),
  count: (context) => readCount(context, '/api/v2/users/count'),
  mapping: userMapping,
  write: userWriter,
}

const tickets: Resource = {
  name: 'tickets',
  title: 'Tickets',
  model: 'ticket',
  after: ['organizations', 'users'],
  incremental: true,
  deletions: 'tombstone',
  schema: ticketSchema,
  // Moves with every system update, the ticket itself unchanged.
  volatile: ['generated_timestamp'],
  start: () => exportStart,
  readPage: (context, position) =>
    readCursorExport(context, { path: '/api/v2/incremental/tickets/cursor', key: 'tickets' }, position),
  externalId: (row) => idText(row['id']) ?? '',
  updatedAt: (row) => timeIn(row, 'updated_at'),
  isDeleted: (row) => row['status'] === 'deleted',
  getMany: showMany('/api/v2/tickets/show_many', 'tickets'),
  count: (context) => readCount(context, '/api/v2/tickets/count'),
  mapping: ticketMapping,
  write: ticketWriter,
}

export const resources: readonly Resource[] = [
  organizations,
  users,
  tickets,
  comments,
  satisfactionRatings,
  surveyResponses,
  sections,
  articles,
]
