/** What is read from QuickBooks, in the order in which it is synced. */
import type { FieldMapping, OutwardMapping } from '../../model/mapping.ts'
import type { JsonSchema } from '../../model/json.ts'
import type { ModelName } from '../../model/records.ts'
import type { Page, ProviderContext, Resource, Row, Settings } from '../contract.ts'
import { changedAt, textIn } from './answer.ts'
import { canResume, readFollowing, start } from './changes.ts'
import {
  deriveApplied,
  deriveCredit,
  deriveDocument,
  deriveItem,
  deriveJournal,
  deriveParty,
  derivePurchase,
  dress,
  dressTaxCode,
} from './derive.ts'
import { entities, type Entity } from './entities.ts'
import { examples } from './examples.ts'
import * as mappings from './mapping.ts'
import { describeFor } from './describe.ts'
import * as outward from './outward.ts'
import { readParties } from './parties.ts'
import { count, queryAll, queryByIds, readWhole } from './query.ts'
import * as schemas from './schemas.ts'
import { writerFor } from './write.ts'

interface Kind {
  readonly name: string
  readonly title: string
  readonly model: ModelName
  readonly after?: readonly string[]
  readonly schema: JsonSchema
  readonly mapping: FieldMapping
  /** Short and full of balances, which change data capture does not tell: everything is read each time. */
  readonly isShort?: boolean
  /** How a page is read where following changes is not enough. */
  readonly read?: typeof readFollowing
  readonly dressed?: (row: Row, settings: Settings) => Row
  /** Left out: read only. */
  readonly outward?: OutwardMapping
}

const externalId = (row: Row): string => textIn(row, 'Id') ?? ''

/** Read whole once, followed by change data capture. Deletions are told by it; a full scan asks by id for what it missed. */
function followed(entity: Entity, kind: Kind): Resource {
  const dressed = kind.dressed ?? dress()
  const dressAll = (rows: readonly Row[], { settings }: ProviderContext) =>
    rows.map((row) => dressed(row, settings))
  return {
    name: kind.name,
    title: kind.title,
    model: kind.model,
    after: kind.after ?? [],
    incremental: kind.isShort !== true,
    deletions: kind.isShort ? 'scan' : 'tombstone',
    schema: kind.schema,
    volatile: [],
    start,
    ...(kind.isShort ? {} : { canResume }),
    async readPage(context, position): Promise<Page> {
      const page = kind.isShort
        ? await readWhole(context, entity, position, () => ({}))
        : await (kind.read ?? readFollowing)(context, entity, position)
      return { ...page, rows: dressAll(page.rows, context) }
    },
    externalId,
    updatedAt: changedAt,
    async getMany(context, ids) {
      const { rows, readAt } = await queryByIds(context, entity, ids)
      return { rows: dressAll(rows, context), readAt }
    },
    count: (context) => count(context, entity),
    mapping: kind.mapping,
    describe: describeFor(
      kind.mapping,
      (kind.outward?.rules ?? []).map(({ to }) => to),
      hasCustomFields.has(kind.name),
    ),
    ...(kind.outward ? { write: writerFor(entity, kind.outward, dressed, examples[kind.name]) } : {}),
  }
}

/** Sales forms carry the company's custom fields. */
const hasCustomFields = new Set(['invoices', 'credit_memos'])

/** Rates by id, for the tax codes that are made of them. */
async function taxRates(context: ProviderContext): Promise<ReadonlyMap<string, Row>> {
  const { rows } = await queryAll(context, entities.taxRate)
  return new Map(rows.map((row) => [externalId(row), row]))
}

/** Change data capture knows no tax codes (CDC page): the short list is read whole each time. */
const taxCodes: Resource = {
  name: 'tax_codes',
  title: 'Tax codes',
  model: 'taxRate',
  after: [],
  incremental: false,
  deletions: 'scan',
  schema: schemas.taxCodeSchema,
  volatile: [],
  start,
  async readPage(context, position) {
    const page = await readWhole(context, entities.taxCode, position, () => ({}))
    const rates = page.rows.length === 0 ? new Map<string, Row>() : await taxRates(context)
    return { ...page, rows: page.rows.map((row) => dressTaxCode(row, rates)) }
  },
  externalId,
  updatedAt: changedAt,
  async getMany(context, ids) {
    const { rows, readAt } = await queryByIds(context, entities.taxCode, ids)
    const rates = rows.length === 0 ? new Map<string, Row>() : await taxRates(context)
    return { rows: rows.map((row) => dressTaxCode(row, rates)), readAt }
  },
  count: (context) => count(context, entities.taxCode),
  mapping: mappings.taxCodeMapping,
}

export const resources: readonly Resource[] = [
  followed(entities.account, {
    name: 'accounts',
    title: 'Chart of accounts',
    model: 'ledgerAccount',
    isShort: true,
    schema: schemas.accountSchema,
    mapping: mappings.accountMapping,
  }),
  taxCodes,
  followed(entities.item, {
    name: 'items',
    title: 'Products and services',
    model: 'item',
    after: ['accounts'],
    schema: schemas.itemSchema,
    mapping: mappings.itemMapping,
    outward: outward.itemOut,
    dressed: dress(deriveItem),
  }),
  followed(entities.customer, {
    name: 'customers',
    title: 'Customers',
    model: 'customer',
    schema: schemas.partySchema,
    mapping: mappings.customerMapping,
    outward: outward.customerOut,
    read: readParties,
    dressed: dress(deriveParty),
  }),
  followed(entities.vendor, {
    name: 'vendors',
    title: 'Vendors',
    model: 'vendor',
    schema: schemas.partySchema,
    mapping: mappings.vendorMapping,
    outward: outward.vendorOut,
    read: readParties,
    dressed: dress(deriveParty),
  }),
  followed(entities.invoice, {
    name: 'invoices',
    title: 'Invoices',
    model: 'invoice',
    after: ['customers', 'items', 'tax_codes'],
    schema: schemas.invoiceSchema,
    mapping: mappings.invoiceMapping,
    outward: outward.invoiceOut,
    dressed: dress(deriveDocument),
  }),
  followed(entities.payment, {
    name: 'payments',
    title: 'Payments',
    model: 'payment',
    after: ['customers', 'invoices'],
    schema: schemas.paymentSchema,
    mapping: mappings.paymentMapping,
    outward: outward.paymentOut,
    dressed: dress(deriveApplied),
  }),
  followed(entities.bill, {
    name: 'bills',
    title: 'Bills',
    model: 'bill',
    after: ['vendors', 'accounts'],
    schema: schemas.billSchema,
    mapping: mappings.billMapping,
    outward: outward.billOut,
    dressed: dress(deriveDocument),
  }),
  followed(entities.purchase, {
    name: 'purchases',
    title: 'Expenses',
    model: 'expense',
    after: ['vendors', 'accounts'],
    schema: schemas.purchaseSchema,
    mapping: mappings.purchaseMapping,
    outward: outward.purchaseOut,
    dressed: dress(derivePurchase),
  }),
  followed(entities.creditMemo, {
    name: 'credit_memos',
    title: 'Credit memos',
    model: 'creditNote',
    after: ['customers', 'items'],
    schema: schemas.creditMemoSchema,
    mapping: mappings.creditMemoMapping,
    outward: outward.creditMemoOut,
    dressed: dress(deriveCredit),
  }),
  followed(entities.deposit, {
    name: 'deposits',
    title: 'Bank deposits',
    model: 'deposit',
    after: ['payments', 'accounts'],
    schema: schemas.depositSchema,
    mapping: mappings.depositMapping,
    outward: outward.depositOut,
    dressed: dress(deriveApplied),
  }),
  followed(entities.journalEntry, {
    name: 'journal_entries',
    title: 'Journal entries',
    model: 'journalEntry',
    after: ['accounts'],
    schema: schemas.journalEntrySchema,
    mapping: mappings.journalEntryMapping,
    outward: outward.journalEntryOut,
    dressed: dress(deriveJournal),
  }),
]
