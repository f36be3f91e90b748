/** The kinds of object that are read, by QuickBooks' own names. */

export interface Entity {
  /** As queries and answers name it: `CreditMemo`. */
  readonly name: string
  /** As paths name it: `creditmemo`. */
  readonly path: string
  /** Has `Active`: it is hidden instead of deleted, and queries leave hidden ones out unless asked. */
  readonly isList: boolean
  /** Lines that a sparse update has to repeat, and fields that QuickBooks wants with every change. */
  readonly hasLines: boolean
  readonly always: readonly string[]
  /** Sparse updates are not understood: the whole object is sent (README, "Writing"). */
  readonly isWhole?: boolean
}

const list = (name: string, always: readonly string[] = []): Entity => ({
  name,
  path: name.toLowerCase(),
  isList: true,
  hasLines: false,
  always,
})

const transaction = (name: string, always: readonly string[]): Entity => ({
  name,
  path: name.toLowerCase(),
  isList: false,
  hasLines: true,
  always,
})

export const entities = {
  account: list('Account'),
  taxCode: list('TaxCode'),
  taxRate: list('TaxRate'),
  item: list('Item', ['Name', 'Type', 'IncomeAccountRef', 'ExpenseAccountRef', 'AssetAccountRef']),
  customer: list('Customer'),
  vendor: list('Vendor'),
  invoice: transaction('Invoice', ['CustomerRef']),
  payment: transaction('Payment', ['CustomerRef', 'TotalAmt']),
  bill: transaction('Bill', ['VendorRef']),
  purchase: transaction('Purchase', ['AccountRef', 'PaymentType']),
  creditMemo: transaction('CreditMemo', ['CustomerRef']),
  deposit: { ...transaction('Deposit', ['DepositToAccountRef']), isWhole: true },
  journalEntry: transaction('JournalEntry', []),
  salesReceipt: transaction('SalesReceipt', []),
} as const satisfies Record<string, Entity>
