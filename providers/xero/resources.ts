/** What is read from Xero, in the order in which it is synced. */
import type { Resource, Row } from '../contract.ts'
import { isId, textIn } from './answer.ts'
import { deriveApplied, deriveContact, deriveDocument, dress } from './derive.ts'
import * as mappings from './mapping.ts'
import { readEach, readListed, readListedByIds, type Listed } from './paging.ts'
import * as schemas from './schemas.ts'
import { updatedAt } from './times.ts'

interface Kind extends Pick<Resource, 'name' | 'title' | 'after' | 'schema' | 'mapping' | 'deletions'> {
  readonly listed: Listed
  readonly dressed: (row: Row) => Row
  /** How some are read again: a list parameter, or path by path where the list has none. */
  readonly again: typeof readListedByIds
  /** Objects of other types that the same path answers. */
  readonly type?: string
}

function resourceOf({ listed, dressed, again, type, ...kind }: Kind): Resource {
  const isOwn = (row: Row): boolean => type === undefined || row['Type'] === type || row['Type'] === undefined
  const own = (rows: readonly Row[]): Row[] => rows.filter(isOwn).map(dressed)
  return {
    ...kind,
    model: kind.mapping.model,
    incremental: true,
    volatile: [],
    start: () => ({}),
    async readPage(context, position) {
      const page = await readListed(context, listed, position)
      return { ...page, rows: own(page.rows) }
    },
    externalId: (row) => textIn(row, listed.id) ?? '',
    updatedAt,
    // Drafts are deleted by a status and stay to be read.
    ...(kind.deletions === 'tombstone' ? { isDeleted: (row: Row) => row['Status'] === 'DELETED' } : {}),
    async getMany(context, ids) {
      const { rows, readAt } = await again(context, listed, ids.filter(isId))
      return { rows: own(rows), readAt }
    },
  }
}

const documents = (type: string): Listed => ({
  path: 'Invoices',
  id: 'InvoiceID',
  // All statuses by name: the list is not said to have deleted ones otherwise.
  query: { where: `Type=="${type}"`, Statuses: 'DRAFT,SUBMITTED,AUTHORISED,PAID,VOIDED,DELETED' },
})

export const resources: readonly Resource[] = [
  resourceOf({
    name: 'contacts',
    title: 'Contacts',
    after: [],
    // Contacts are archived or merged, and stay.
    deletions: 'none',
    schema: schemas.contactSchema,
    mapping: mappings.contactMapping,
    listed: { path: 'Contacts', id: 'ContactID', query: { includeArchived: true } },
    dressed: dress(deriveContact),
    again: readListedByIds,
  }),
  resourceOf({
    name: 'invoices',
    title: 'Invoices',
    after: ['contacts'],
    deletions: 'tombstone',
    schema: schemas.invoiceSchema,
    mapping: mappings.invoiceMapping,
    listed: documents('ACCREC'),
    type: 'ACCREC',
    dressed: dress(deriveDocument),
    again: readListedByIds,
  }),
  resourceOf({
    name: 'bills',
    title: 'Bills',
    after: ['contacts'],
    deletions: 'tombstone',
    schema: schemas.billSchema,
    mapping: mappings.billMapping,
    listed: documents('ACCPAY'),
    type: 'ACCPAY',
    dressed: dress(deriveDocument),
    again: readListedByIds,
  }),
  resourceOf({
    name: 'credit_notes',
    title: 'Credit notes',
    after: ['contacts', 'invoices'],
    deletions: 'tombstone',
    schema: schemas.creditNoteSchema,
    mapping: mappings.creditNoteMapping,
    listed: { path: 'CreditNotes', id: 'CreditNoteID', query: { where: 'Type=="ACCRECCREDIT"' } },
    type: 'ACCRECCREDIT',
    dressed: dress(deriveDocument, deriveApplied),
    again: readEach,
  }),
]
