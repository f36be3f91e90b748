/** What the webhooks tell of; a row is what the accounting API answers (`shared/specs/xero/xero_accounting.yaml`). */
import type { FieldMapping, FieldRule } from '../../model/mapping.ts'
import type { JsonObject } from '../../model/json.ts'
import type { ReceivedResource } from '../contract-webhook.ts'
import { textIn } from '../hooks/parse.ts'

const text = (to: string, from: string): FieldRule => ({ to, from, convert: 'text' })

const contact: FieldMapping = {
  model: 'customer',
  rules: [text('id', 'ContactID'), text('name', 'Name'), text('email', 'EmailAddress')],
}
const invoice: FieldMapping = {
  model: 'invoice',
  rules: [text('id', 'InvoiceID'), text('number', 'InvoiceNumber'), text('customerId', 'Contact.ContactID')],
}
const creditNote: FieldMapping = {
  model: 'creditNote',
  rules: [
    text('id', 'CreditNoteID'),
    text('number', 'CreditNoteNumber'),
    text('customerId', 'Contact.ContactID'),
  ],
}

const resource = (name: string, title: string, idField: string, mapping: FieldMapping): ReceivedResource => ({
  name,
  title,
  model: mapping.model,
  schema: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    required: [idField],
    properties: { [idField]: { type: 'string', format: 'uuid' } },
  },
  externalId: (row) => textIn(row as JsonObject, idField) ?? '',
  // Times are "/Date(1518685950940+0000)/".
  updatedAt: (row) => {
    const [, ms] = /^\/Date\((\d+)/.exec(textIn(row as JsonObject, 'UpdatedDateUTC') ?? '') ?? []
    return ms === undefined ? undefined : new Date(Number(ms)).toISOString()
  },
  mapping,
})

export const received: readonly ReceivedResource[] = [
  resource('contacts', 'Contacts', 'ContactID', contact),
  resource('invoices', 'Invoices', 'InvoiceID', invoice),
  resource('credit_notes', 'Credit notes', 'CreditNoteID', creditNote),
]
