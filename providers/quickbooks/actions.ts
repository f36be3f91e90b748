/** What can be done in QuickBooks. Each action may be repeated with the same idempotency key without a second effect. */
import type { Action } from '../contract.ts'
import { createBill, createJournalEntry, deleteJournalEntry } from './action-ledger.ts'
import { applyPayments, recordPayment, sendReceipt, voidPayment } from './action-payments.ts'
import { createInvoice, createSalesReceipt, invoicePdf, sendInvoice, voidInvoice } from './action-sales.ts'

export const actions: readonly Action[] = [
  createInvoice,
  sendInvoice,
  voidInvoice,
  invoicePdf,
  recordPayment,
  voidPayment,
  applyPayments,
  sendReceipt,
  createSalesReceipt,
  createBill,
  createJournalEntry,
  deleteJournalEntry,
]
