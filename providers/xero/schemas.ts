/**
 * JSON Schemas (2020-12) of the rows: strict on what the hub relies on (id, time, status, types of mapped fields), silent on
 * everything else, so that a new field at Xero stops nothing. Fields: `shared/specs/xero/xero_accounting.yaml`.
 */
import type { JsonSchema } from '../../model/json.ts'

const id = { type: 'string', format: 'uuid' }
const text = { type: ['string', 'null'] }
const amount = { type: 'number' }
const time = { type: 'string', pattern: '^/Date\\(-?\\d{1,16}([+-]\\d{4})?\\)/$' }
const objects = { type: 'array', items: { type: 'object' } }
const contact = { type: 'object', required: ['ContactID'], properties: { ContactID: id, Name: text } }

const row = (required: readonly string[], properties: Readonly<Record<string, unknown>>): JsonSchema => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  required: ['UpdatedDateUTC', 'derived', ...required],
  properties: { UpdatedDateUTC: time, derived: { type: 'object' }, ...properties },
})

export const contactSchema = row(['ContactID', 'Name', 'ContactStatus'], {
  ContactID: id,
  Name: { type: 'string' },
  ContactStatus: { type: 'string' },
  FirstName: text,
  LastName: text,
  EmailAddress: text,
  TaxNumber: text,
  DefaultCurrency: text,
  Addresses: objects,
  Phones: objects,
})

const document = {
  Status: { type: 'string' },
  Contact: contact,
  Reference: text,
  CurrencyCode: { type: 'string', pattern: '^[A-Z]{3}$' },
  Date: time,
  SubTotal: amount,
  TotalTax: amount,
  Total: amount,
  LineItems: objects,
}
const always = ['Type', 'Status', 'Contact', 'CurrencyCode', 'Total'] as const

const invoiceOf = (type: string): JsonSchema =>
  row(['InvoiceID', 'AmountDue', ...always], {
    ...document,
    InvoiceID: id,
    InvoiceNumber: text,
    Type: { const: type },
    DueDate: time,
    AmountDue: amount,
    SentToContact: { type: 'boolean' },
    Url: text,
  })

export const invoiceSchema = invoiceOf('ACCREC')
export const billSchema = invoiceOf('ACCPAY')
export const creditNoteSchema = row(['CreditNoteID', 'RemainingCredit', ...always], {
  ...document,
  CreditNoteID: id,
  CreditNoteNumber: text,
  Type: { const: 'ACCRECCREDIT' },
  RemainingCredit: amount,
  Allocations: objects,
})
