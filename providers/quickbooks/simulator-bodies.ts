/** What people of the simulated company enter: bodies of new objects, drawn by chance from what is there. */
import type { JsonObject } from '../../model/json.ts'
import type { Chance } from '../../sandbox/kit.ts'
import type { Books } from './simulator-books.ts'
import { accounts, customerBody, itemBody, vendorBody } from './simulator-chart.ts'
import type { EntityName } from './simulator-entities.ts'
import { amountOf, centsOf, localDate, objectOf, objectsOf, refId, textOf } from './simulator-values.ts'

export interface Drawing {
  readonly books: Books
  readonly chance: Chance
  readonly at: number
}

const active = (books: Books, entity: EntityName): JsonObject[] =>
  books.all(entity).filter((one) => one['Active'] !== false)

function drawn(drawing: Drawing, entity: EntityName): JsonObject {
  const list = active(drawing.books, entity)
  return list.length === 0 ? {} : drawing.chance.pick(list)
}

const refTo = (object: JsonObject): JsonObject => ({ value: textOf(object['Id']) })

/** A price as people write it. */
const price = (chance: Chance, below: number): number =>
  10 + chance.below(below) + chance.pick([0, 0.5, 0.99])

/** A body that the rules accept. */
export function bodyOf(entity: EntityName, drawing: Drawing): JsonObject {
  const { books, chance, at } = drawing
  const TxnDate = localDate(at)
  switch (entity) {
    case 'Invoice':
      return {
        ...saleOf(drawing, 4),
        TxnDate,
        EmailStatus: chance.pick(['NotSet', 'NeedToSend', 'EmailSent']),
      }
    case 'CreditMemo':
      return { ...saleOf(drawing, 1), TxnDate }
    case 'Payment':
      return { ...paymentOf(drawing), TxnDate }
    case 'BillPayment':
      return { ...billPaymentOf(drawing), TxnDate }
    case 'SalesReceipt':
      return { ...saleOf(drawing, 2), TxnDate }
    case 'Transfer':
      return {
        FromAccountRef: { value: accounts.checking },
        ToAccountRef: { value: accounts.savings },
        Amount: price(chance, 5_000),
        TxnDate,
      }
    case 'Deposit':
      return { ...depositOf(drawing), TxnDate }
    case 'Bill':
      return {
        VendorRef: refTo(drawn(drawing, 'Vendor')),
        Line: costs(drawing),
        TxnDate,
        DocNumber: `B-${100 + chance.below(900_000)}`,
      }
    case 'Purchase': {
      const vendor = drawn(drawing, 'Vendor')
      const PaymentType = chance.pick(['Cash', 'Check', 'CreditCard'])
      return {
        PaymentType,
        AccountRef: { value: PaymentType === 'CreditCard' ? accounts.creditCard : accounts.checking },
        EntityRef: { ...refTo(vendor), name: textOf(vendor['DisplayName']), type: 'Vendor' },
        Line: costs(drawing),
        TxnDate,
      }
    }
    case 'JournalEntry':
      return { ...entryOf(drawing), TxnDate }
    case 'Customer':
    case 'Vendor': {
      const number = Number(books.nextId(entity)) + 100_000
      return { ...(entity === 'Customer' ? customerBody : vendorBody)(number, chance), Active: true }
    }
    case 'Item': {
      const number = Number(books.nextId('Item')) + 100
      return { ...itemBody(number, chance), Active: true }
    }
    case 'Account':
      return {
        Name: `Project costs ${Number(books.nextId('Account')) + 1000}`,
        AccountType: 'Expense',
        AccountSubType: 'OtherBusinessExpenses',
      }
    default:
      return { Name: `New ${entity} ${books.nextId(entity)}` }
  }
}

function saleOf(drawing: Drawing, mostLines: number): JsonObject {
  const { chance } = drawing
  const customer = drawn(drawing, 'Customer')
  const isTaxed = customer['Taxable'] === true
  const Line = Array.from({ length: 1 + chance.below(mostLines) }, () => {
    const item = drawn(drawing, 'Item')
    const Qty = 1 + chance.below(9)
    const UnitPrice = Number(item['UnitPrice'] ?? 10)
    return {
      Description: textOf(item['Description']),
      Amount: amountOf(Math.round(Qty * UnitPrice * 100)),
      DetailType: 'SalesItemLineDetail',
      SalesItemLineDetail: {
        ItemRef: refTo(item),
        Qty,
        UnitPrice,
        TaxCodeRef: { value: isTaxed && item['Taxable'] === true ? 'TAX' : 'NON' },
      },
    }
  })
  const email = textOf(objectOf(customer['PrimaryEmailAddr'])['Address'])
  return {
    CustomerRef: refTo(customer),
    Line,
    ...(email === '' ? {} : { BillEmail: { Address: email } }),
    ...(chance.next() < 0.3 ? { CustomerMemo: { value: 'Thank you for your business!' } } : {}),
    ...(chance.next() < 0.1 ? { PrivateNote: 'Grüße aus Köln — 東京' } : {}),
  }
}

/** Pays an open invoice, or something that nobody knows yet. */
function paymentOf(drawing: Drawing): JsonObject {
  const { books, chance } = drawing
  const rest = { PaymentMethodRef: { value: '2' }, PaymentRefNum: String(10_000 + chance.below(90_000)) }
  const open = books.all('Invoice').filter((invoice) => centsOf(invoice['Balance']) > 0)
  const payable = open.filter((invoice) => isActive(books, refId(invoice, 'CustomerRef')))
  if (payable.length === 0 || chance.next() < 0.25)
    return { ...rest, CustomerRef: refTo(drawn(drawing, 'Customer')), TotalAmt: price(chance, 500) }
  const invoice = chance.pick(payable)
  const amount = amountOf(centsOf(invoice['Balance']))
  return {
    ...rest,
    CustomerRef: { value: refId(invoice, 'CustomerRef') },
    TotalAmt: amount,
    Line: [{ Amount: amount, LinkedTxn: [{ TxnId: textOf(invoice['Id']), TxnType: 'Invoice' }] }],
  }
}

/** Pays an open bill; nothing when there is none. */
function billPaymentOf({ books, chance }: Drawing): JsonObject {
  const open = books.all('Bill').filter((bill) => centsOf(bill['Balance']) > 0)
  if (open.length === 0) return {}
  const bill = chance.pick(open)
  const amount = amountOf(centsOf(bill['Balance']))
  return {
    VendorRef: { value: refId(bill, 'VendorRef') },
    TotalAmt: amount,
    CheckPayment: { BankAccountRef: { value: accounts.checking } },
    Line: [{ Amount: amount, LinkedTxn: [{ TxnId: textOf(bill['Id']), TxnType: 'Bill' }] }],
  }
}

const isActive = (books: Books, customer: string): boolean =>
  books.get('Customer', customer)?.['Active'] !== false

/** Takes what lies in Undeposited Funds to the bank; interest when nothing does. */
function depositOf({ books, chance }: Drawing): JsonObject {
  const account = { DepositToAccountRef: { value: accounts.checking } }
  const waiting = books
    .all('Payment')
    .filter(
      (payment) =>
        refId(payment, 'DepositToAccountRef') === accounts.undeposited &&
        refId(payment, 'CurrencyRef') === 'USD' &&
        centsOf(payment['TotalAmt']) > 0 &&
        !objectsOf(payment['LinkedTxn']).some(({ TxnType }) => TxnType === 'Deposit'),
    )
  if (waiting.length === 0)
    return {
      ...account,
      Line: [
        {
          Amount: 1 + chance.below(30),
          DetailType: 'DepositLineDetail',
          DepositLineDetail: { AccountRef: { value: accounts.interest } },
        },
      ],
    }
  return {
    ...account,
    Line: waiting.slice(0, 1 + chance.below(8)).map((payment) => ({
      Amount: payment['TotalAmt'] ?? 0,
      LinkedTxn: [{ TxnId: textOf(payment['Id']), TxnType: 'Payment', TxnLineId: '0' }],
    })),
  }
}

const costAccounts = ['17', '18', '19', '20', '21', '22', '23', '24'] as const

const costs = ({ chance }: Drawing): JsonObject[] =>
  Array.from({ length: 1 + chance.below(2) }, () => ({
    Description: chance.pick(['Supplies', 'Monthly fee', 'As ordered']),
    Amount: price(chance, 900),
    DetailType: 'AccountBasedExpenseLineDetail',
    AccountBasedExpenseLineDetail: { AccountRef: { value: chance.pick(costAccounts) } },
  }))

/** The owner's money comes in, or something is written off. */
function entryOf({ books, chance }: Drawing): JsonObject {
  const isFirst = books.count('JournalEntry') === 0
  const Amount = isFirst ? 250_000 : price(chance, 2_000)
  const [debit, credit] = isFirst ? [accounts.checking, accounts.equity] : ['25', '14']
  const side = (PostingType: string, value: string): JsonObject => ({
    Amount,
    Description: isFirst ? 'Opening balance' : 'Depreciation',
    DetailType: 'JournalEntryLineDetail',
    JournalEntryLineDetail: { PostingType, AccountRef: { value } },
  })
  return {
    DocNumber: `JE-${books.count('JournalEntry') + 1}`,
    Line: [side('Debit', debit), side('Credit', credit)],
  }
}
