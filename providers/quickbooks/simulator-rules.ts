/** What QuickBooks demands of an object and what it works out itself: references, numbers, totals, taxes, due dates. */
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import type { Books } from './simulator-books.ts'
import { accounts, currencies, usd } from './simulator-chart.ts'
import type { EntityName } from './simulator-entities.ts'
import { badReference, business, duplicateName, malformed, missing, notFound } from './simulator-faults.ts'
import { expenseLines, journalLines, salesLines, sumOf } from './simulator-lines.ts'
import { reference, required } from './simulator-references.ts'
import { checkShapes } from './simulator-shapes.ts'
import { amountOf, centsOf, dateAfter, objectOf, objectsOf, refId, textOf } from './simulator-values.ts'

/** What a rule looks at. */
export interface Ruling {
  readonly books: Books
  /** The company's date. */
  readonly today: string
}

/** The object as it would be kept, without Id, SyncToken and MetaData. @throws Refused */
export function complete(ruling: Ruling, entity: EntityName, draft: JsonObject): JsonObject {
  checkShapes(draft)
  const rule = rules[entity]
  if (!rule) return draft
  const { books, today } = ruling
  const dated = draft['TxnDate'] == null ? { ...draft, TxnDate: today } : draft
  return rule(books, isTransaction(entity) ? dated : draft)
}

const isTransaction = (entity: EntityName): boolean =>
  !['Customer', 'Vendor', 'Account', 'Item', 'Term', 'PaymentMethod'].includes(entity)

type Rule = (books: Books, draft: JsonObject) => JsonObject

/** The currency that a customer or vendor trades in; an amount in another one is refused. */
function currencyOf(party: JsonObject, draft: JsonObject): JsonObject {
  const code = refId(party, 'CurrencyRef') || usd.value
  const asked = refId(draft, 'CurrencyRef')
  if (asked !== '' && asked !== code)
    throw business(`The currency of the transaction (${asked}) is not that of the name (${code}).`)
  const { name, rate } = currencies[code] ?? { name: code, rate: 1 }
  return {
    CurrencyRef: { value: code, name },
    ...(code === usd.value ? {} : { ExchangeRate: Number(draft['ExchangeRate'] ?? rate) }),
  }
}

const homeAmounts = (
  draft: JsonObject,
  currency: JsonObject,
  amounts: Record<string, number>,
): JsonObject => {
  const rate = Number(currency['ExchangeRate'] ?? 1)
  if (rate === 1) return amounts
  const home = Object.entries(amounts).map(([name, amount]) => [
    name === 'TotalAmt' ? 'HomeTotalAmt' : 'HomeBalance',
    amountOf(Math.round(centsOf(amount) * rate)),
  ])
  return { ...amounts, ...(Object.fromEntries(home) as JsonObject) }
}

/** What an invoice, a credit memo and a receipt have in common. */
function sale(books: Books, draft: JsonObject, isReceipt = false): JsonObject {
  if (objectsOf(draft['Line']).length === 0) throw missing('Line')
  const customer = isReceipt
    ? (reference(books, 'Customer', draft, 'CustomerRef') ?? {})
    : required(books, 'Customer', draft, 'CustomerRef')
  const party = books.get('Customer', textOf(customer['value'])) ?? {}
  const currency = currencyOf(party, draft)
  const { lines, total, tax } = salesLines(books, draft)
  return {
    EmailStatus: 'NotSet',
    PrintStatus: 'NotSet',
    ApplyTaxAfterDiscount: false,
    CustomField: [],
    ...draft,
    ...(customer['value'] === undefined ? {} : { CustomerRef: customer }),
    ...currency,
    Line: lines,
    TxnTaxDetail: tax,
    ...homeAmounts(draft, currency, { TotalAmt: amountOf(total) }),
    ...(party['BillAddr'] && !draft['BillAddr'] ? { BillAddr: party['BillAddr'] } : {}),
  }
}

/** What of a total is still open, given what has been applied to it so far. */
const openOf = (whole: JsonObject, draft: JsonObject): number =>
  centsOf(whole['TotalAmt']) - centsOf(draft['AppliedSoFar'])

function invoice(books: Books, draft: JsonObject): JsonObject {
  const whole = sale(books, draft)
  const customer = books.get('Customer', refId(whole, 'CustomerRef')) ?? {}
  const term =
    reference(books, 'Term', draft, 'SalesTermRef') ?? reference(books, 'Term', customer, 'SalesTermRef')
  const days = Number(books.get('Term', textOf(term?.['value']))?.['DueDays'] ?? 30)
  const open = openOf(whole, draft)
  if (open < 0) throw business('The total is less than what has been paid already.')
  const { AppliedSoFar: _applied, ...rest } = whole
  return {
    LinkedTxn: [],
    AllowOnlineCreditCardPayment: false,
    AllowOnlineACHPayment: false,
    ...rest,
    ...(term ? { SalesTermRef: term } : {}),
    DueDate: textOf(draft['DueDate']) || dateAfter(textOf(whole['TxnDate']), days),
    Deposit: 0,
    Balance: amountOf(open),
    ...(rest['HomeTotalAmt'] === undefined
      ? {}
      : { HomeBalance: amountOf(Math.round(open * Number(rest['ExchangeRate'] ?? 1))) }),
  }
}

function creditMemo(books: Books, draft: JsonObject): JsonObject {
  const whole = sale(books, draft)
  const open = openOf(whole, draft)
  if (open < 0) throw business('The total is less than what has been applied already.')
  const { AppliedSoFar: _applied, ...rest } = whole
  return { LinkedTxn: [], ...rest, Balance: amountOf(open), RemainingCredit: amountOf(open) }
}

/** Sum of what a payment brings to invoices, less the credits that it uses up. */
export function appliedCents(payment: JsonObject): number {
  return objectsOf(payment['Line']).reduce((sum, line) => {
    const isCredit = objectsOf(line['LinkedTxn']).some(({ TxnType }) => TxnType === 'CreditMemo')
    return sum + (isCredit ? -1 : 1) * centsOf(line['Amount'])
  }, 0)
}

function payment(books: Books, draft: JsonObject): JsonObject {
  const customer = required(books, 'Customer', draft, 'CustomerRef')
  if (draft['TotalAmt'] == null) throw missing('TotalAmt')
  const total = centsOf(draft['TotalAmt'])
  if (total < 0) throw business('The amount of a payment is not negative.')
  const lines = objectsOf(draft['Line']).filter((line) => objectsOf(line['LinkedTxn']).length > 0)
  const unapplied = total - appliedCents({ Line: lines })
  if (unapplied < 0)
    throw business('The amount applied to transactions is greater than the amount of the payment.')
  const party = books.get('Customer', textOf(customer['value'])) ?? {}
  const account = reference(books, 'Account', draft, 'DepositToAccountRef')
  const method = reference(books, 'PaymentMethod', draft, 'PaymentMethodRef')
  return {
    ProcessPayment: false,
    LinkedTxn: [],
    ...draft,
    CustomerRef: customer,
    DepositToAccountRef: account ?? { value: accounts.undeposited },
    ...(method ? { PaymentMethodRef: { value: textOf(method['value']) } } : {}),
    ...currencyOf(party, draft),
    TotalAmt: amountOf(total),
    UnappliedAmt: amountOf(unapplied),
    Line: lines.map((line) => ({ ...line, Amount: amountOf(centsOf(line['Amount'])) })),
  }
}

function bill(books: Books, draft: JsonObject): JsonObject {
  const vendor = required(books, 'Vendor', draft, 'VendorRef')
  const lines = expenseLines(books, draft)
  const party = books.get('Vendor', textOf(vendor['value'])) ?? {}
  const total = sumOf(lines)
  const open = total - centsOf(draft['AppliedSoFar'])
  if (open < 0) throw business('The total is less than what has been paid already.')
  const term = reference(books, 'Term', draft, 'SalesTermRef')
  const days = Number(books.get('Term', textOf(term?.['value']))?.['DueDays'] ?? 30)
  const { AppliedSoFar: _applied, ...rest } = draft
  return {
    LinkedTxn: [],
    ...rest,
    VendorRef: vendor,
    APAccountRef: { value: accounts.payable, name: 'Accounts Payable (A/P)' },
    ...currencyOf(party, draft),
    ...(term ? { SalesTermRef: term } : {}),
    DueDate: textOf(draft['DueDate']) || dateAfter(textOf(draft['TxnDate']), days),
    Line: lines,
    TotalAmt: amountOf(total),
    Balance: amountOf(open),
  }
}

function billPayment(books: Books, draft: JsonObject): JsonObject {
  const vendor = required(books, 'Vendor', draft, 'VendorRef')
  if (draft['TotalAmt'] == null) throw missing('TotalAmt')
  const lines = objectsOf(draft['Line']).map((line) => ({
    ...line,
    Amount: amountOf(centsOf(line['Amount'])),
  }))
  if (sumOf(lines) > centsOf(draft['TotalAmt']))
    throw business('The amount applied to bills is greater than the amount of the payment.')
  return { PayType: 'Check', CurrencyRef: usd, ...draft, VendorRef: vendor, Line: lines }
}

function purchase(books: Books, draft: JsonObject): JsonObject {
  const account = required(books, 'Account', draft, 'AccountRef')
  const type = textOf(draft['PaymentType'])
  if (type === '') throw missing('PaymentType')
  if (!['Cash', 'Check', 'CreditCard'].includes(type)) throw malformed('PaymentType')
  const lines = expenseLines(books, draft)
  return {
    Credit: false,
    CurrencyRef: usd,
    ...draft,
    AccountRef: account,
    Line: lines,
    TotalAmt: amountOf(sumOf(lines)),
  }
}

function deposit(books: Books, draft: JsonObject): JsonObject {
  const account = required(books, 'Account', draft, 'DepositToAccountRef')
  const wanted = objectsOf(draft['Line'])
  if (wanted.length === 0) throw missing('Line')
  const lines = wanted.map((line, index) => {
    const [link] = objectsOf(line['LinkedTxn'])
    const linked = link ? books.get('Payment', textOf(link['TxnId'])) : undefined
    if (link && !linked) throw notFound()
    const detail = objectOf(line['DepositLineDetail'])
    if (!link && refId(detail, 'AccountRef') === '') throw missing('AccountRef')
    const from = reference(books, 'Account', detail, 'AccountRef')
    if (!link && line['Amount'] == null) throw missing('Amount')
    return {
      Id: String(index + 1),
      LineNum: index + 1,
      ...line,
      Amount: amountOf(centsOf(linked?.['TotalAmt'] ?? line['Amount'])),
      ...(from ? { DepositLineDetail: { ...detail, AccountRef: from } } : {}),
      ...(link ? {} : { DetailType: 'DepositLineDetail' }),
    }
  })
  return {
    CurrencyRef: usd,
    ...draft,
    DepositToAccountRef: account,
    Line: lines,
    TotalAmt: amountOf(sumOf(lines)),
  }
}

const journalEntry: Rule = (books, draft) => ({
  Adjustment: false,
  CurrencyRef: usd,
  TxnTaxDetail: {},
  ...draft,
  Line: journalLines(books, draft),
})

function transfer(books: Books, draft: JsonObject): JsonObject {
  if (draft['Amount'] == null) throw missing('Amount')
  return {
    CurrencyRef: usd,
    ...draft,
    FromAccountRef: required(books, 'Account', draft, 'FromAccountRef'),
    ToAccountRef: required(books, 'Account', draft, 'ToAccountRef'),
    Amount: amountOf(centsOf(draft['Amount'])),
  }
}

function salesReceipt(books: Books, draft: JsonObject): JsonObject {
  const account = reference(books, 'Account', draft, 'DepositToAccountRef')
  return {
    ...sale(books, draft, true),
    Balance: 0,
    DepositToAccountRef: account ?? { value: accounts.undeposited, name: 'Undeposited Funds' },
  }
}

/** A name of which nobody else has the same. */
function claim(books: Books, entity: EntityName, draft: JsonObject, name: string): void {
  const holder = books.holder(entity, name)
  if (holder !== undefined && holder !== `${entity}/${textOf(draft['Id'])}`) throw duplicateName()
}

const party =
  (entity: 'Customer' | 'Vendor'): Rule =>
  (books, draft) => {
    const parts = ['Title', 'GivenName', 'MiddleName', 'FamilyName', 'Suffix'].map((one) =>
      textOf(draft[one]),
    )
    const name = textOf(draft['DisplayName']).trim() || parts.filter((part) => part !== '').join(' ')
    if (name === '') throw missing('DisplayName')
    if (/[:\t\n]/.test(name)) throw malformed('DisplayName')
    claim(books, entity, draft, name)
    const code = refId(draft, 'CurrencyRef') || usd.value
    if (!currencies[code]) throw badReference('Currency', code)
    return {
      Active: true,
      ...(entity === 'Customer'
        ? { Job: false, BillWithParent: false, Taxable: false, PreferredDeliveryMethod: 'Print' }
        : { Vendor1099: false }),
      ...draft,
      DisplayName: name,
      ...(entity === 'Customer' ? { FullyQualifiedName: name } : {}),
      PrintOnCheckName: textOf(draft['PrintOnCheckName']) || textOf(draft['CompanyName']) || name,
      CurrencyRef: { value: code, name: currencies[code].name },
    }
  }

function account(books: Books, draft: JsonObject): JsonObject {
  const name = textOf(draft['Name'])
  if (name === '') throw missing('Name')
  if (textOf(draft['AccountType']) === '' && textOf(draft['AccountSubType']) === '')
    throw missing('AccountType')
  const parent = isJsonObject(draft['ParentRef'])
    ? books.get('Account', refId(draft, 'ParentRef'))
    : undefined
  const full = parent ? `${textOf(parent['FullyQualifiedName'])}:${name}` : name
  claim(books, 'Account', draft, full)
  const type = textOf(draft['AccountType']) || 'Expense'
  return {
    Active: true,
    SubAccount: parent !== undefined,
    CurrencyRef: usd,
    AccountSubType: type.replace(/ /g, ''),
    ...draft,
    AccountType: type,
    Classification: textOf(draft['Classification']) || classOf(type),
    FullyQualifiedName: full,
  }
}

function classOf(type: string): string {
  if (/Bank|Receivable|Asset/.test(type)) return 'Asset'
  if (/Payable|Liability|Credit Card/.test(type)) return 'Liability'
  if (/Income/.test(type)) return 'Revenue'
  return type === 'Equity' ? 'Equity' : 'Expense'
}

function item(books: Books, draft: JsonObject): JsonObject {
  const name = textOf(draft['Name'])
  if (name === '') throw missing('Name')
  claim(books, 'Item', draft, name)
  const income = reference(books, 'Account', draft, 'IncomeAccountRef')
  const expense = reference(books, 'Account', draft, 'ExpenseAccountRef')
  if (!income && !expense) throw missing('IncomeAccountRef')
  return {
    Active: true,
    Taxable: false,
    UnitPrice: 0,
    PurchaseCost: 0,
    TrackQtyOnHand: false,
    Type: 'Service',
    ...draft,
    FullyQualifiedName: name,
    ...(income ? { IncomeAccountRef: income } : {}),
    ...(expense ? { ExpenseAccountRef: expense } : {}),
  }
}

const named =
  (entity: 'Term' | 'PaymentMethod'): Rule =>
  (books, draft) => {
    if (textOf(draft['Name']) === '') throw missing('Name')
    claim(books, entity, draft, textOf(draft['Name']))
    return { Active: true, ...draft }
  }

const rules: Partial<Record<EntityName, Rule>> = {
  Customer: party('Customer'),
  Vendor: party('Vendor'),
  Account: account,
  Item: item,
  Term: named('Term'),
  PaymentMethod: named('PaymentMethod'),
  Invoice: invoice,
  CreditMemo: creditMemo,
  SalesReceipt: salesReceipt,
  Payment: payment,
  Bill: bill,
  BillPayment: billPayment,
  Purchase: purchase,
  Deposit: deposit,
  JournalEntry: journalEntry,
  Transfer: transfer,
}
