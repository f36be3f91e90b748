/** What is read from FreshBooks, in the order in which it is read. Facts and sources: README, "Reading". */
import type { JsonObject, JsonSchema } from '../../model/json.ts'
import type { FieldMapping } from '../../model/mapping.ts'
import type { Resource } from '../contract.ts'
import { fieldsIn, idIn, textIn, timeIn } from './answer.ts'
import { countOf, readEach, readList, type ListOf } from './lists.ts'
import { clientMapping, expenseMapping, invoiceMapping, paymentMapping } from './mapping.ts'

const textOrNull = { type: ['string', 'null'] }
const idOrNull = { type: ['integer', 'string', 'null'] }
const money = {
  type: ['object', 'null'],
  required: ['amount', 'code'],
  properties: { amount: { type: 'string' }, code: { type: 'string' } },
}

const schemaOf = (properties: Readonly<Record<string, JsonSchema>>): JsonSchema => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  required: ['id', 'vis_state'],
  properties: {
    id: { type: ['integer', 'string'] },
    vis_state: { type: 'integer' },
    updated: textOrNull,
    ...properties,
  },
})

const deleted = 1

interface Of {
  readonly name: string
  readonly title: string
  readonly mapping: FieldMapping
  readonly after: readonly string[]
  readonly schema: JsonSchema
  readonly volatile?: readonly string[]
  readonly list: ListOf
}

/** A deleted object is left out of lists and shown with its mark when it is asked for by id. */
const resource = ({ name, title, mapping, after, schema, volatile = [], list }: Of): Resource => ({
  name,
  title,
  model: mapping.model,
  mapping,
  after,
  incremental: true,
  deletions: 'scan',
  schema,
  volatile,
  start: () => ({}),
  externalId: (row) => idIn(row, 'id') ?? '',
  updatedAt: (row) => timeIn(row, 'updated'),
  isDeleted: (row) => row['vis_state'] === deleted,
  readPage: (context, position) => readList(context, list, position),
  getMany: (context, ids) => readEach(context, list, ids),
  count: (context) => countOf(context, list),
})

const addressOf = (row: JsonObject, prefix: 'p' | 's'): JsonObject => {
  const part = (name: string) => textIn(row, `${prefix}_${name}`) ?? null
  return {
    line1: part('street'),
    line2: part('street2'),
    city: part('city'),
    region: part('province'),
    postalCode: part('code'),
    country: part('country'),
  }
}

const clients = resource({
  name: 'clients',
  title: 'Clients',
  mapping: clientMapping,
  after: [],
  schema: schemaOf({ fname: textOrNull, lname: textOrNull, organization: textOrNull, email: textOrNull }),
  // They move when the client looks in, and when somebody asks for a link.
  volatile: ['last_activity', 'last_login', 'num_logins', 'direct_link_token', 'statement_token'],
  list: {
    path: '/users/clients',
    many: 'clients',
    one: 'client',
    derive: (row) => ({
      name:
        [textIn(row, 'fname'), textIn(row, 'lname')].filter((part) => part !== undefined).join(' ') ||
        (textIn(row, 'organization') ?? null),
      billingAddress: addressOf(row, 'p'),
      shippingAddress: addressOf(row, 's'),
    }),
  },
})

const invoices = resource({
  name: 'invoices',
  title: 'Invoices',
  mapping: invoiceMapping,
  after: ['clients'],
  schema: schemaOf({
    invoice_number: textOrNull,
    customerid: idOrNull,
    v3_status: textOrNull,
    create_date: textOrNull,
    amount: money,
    outstanding: money,
    lines: { type: ['array', 'null'], items: { type: 'object' } },
  }),
  list: { path: '/invoices/invoices', many: 'invoices', one: 'invoice', include: 'lines' },
})

const payments = resource({
  name: 'payments',
  title: 'Payments',
  mapping: paymentMapping,
  after: ['invoices'],
  schema: schemaOf({ invoiceid: idOrNull, clientid: idOrNull, date: textOrNull, amount: money }),
  list: {
    path: '/payments/payments',
    many: 'payments',
    one: 'payment',
    derive: (row) => {
      const invoice = idIn(row, 'invoiceid')
      return invoice === undefined
        ? { applied: [] }
        : { applied: [{ type: 'invoice', id: invoice, amount: fieldsIn(row, 'amount') }] }
    },
  },
})

const expenses = resource({
  name: 'expenses',
  title: 'Expenses',
  mapping: expenseMapping,
  after: [],
  schema: schemaOf({ date: textOrNull, amount: money, notes: textOrNull }),
  list: { path: '/expenses/expenses', many: 'expenses', one: 'expense' },
})

export const resources: readonly Resource[] = [clients, invoices, payments, expenses]
