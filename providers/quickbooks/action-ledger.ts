/** Bills and journal entries. */
import type { Action } from '../contract.ts'
import { isHubError } from '../../platform/errors.ts'
import {
  currencySchema,
  dayOrNull,
  daySchema,
  flagSchema,
  idSchema,
  listOf,
  moneySchema,
  objectsIn,
  outwardOf,
  part,
  positiveMoney,
  refuse,
  requireText,
  schemaOf,
  textOrNull,
  textSchema,
} from './action-input.ts'
import { moneyOfRow } from './action-sales.ts'
import { moneyFrom, moneyIn } from './amounts.ts'
import { textIn } from './answer.ts'
import { createBody, requestIdOf, versionOf } from './body.ts'
import { entities } from './entities.ts'
import { billOut, journalEntryOut } from './outward.ts'
import { post, readOne, removeOne } from './write.ts'

export const createBill: Action = {
  name: 'create_bill',
  title: 'Create a bill',
  description: 'Records what a vendor charges, by item or by ledger account.',
  input: schemaOf(
    {
      vendorId: idSchema,
      lines: {
        ...listOf(
          part(
            {
              description: textSchema(4000),
              itemId: idSchema,
              quantity: { type: 'number' },
              unitPrice: moneySchema,
              accountId: idSchema,
              amount: moneySchema,
              taxRateId: textSchema(30),
            },
            ['description', 'itemId', 'quantity', 'unitPrice', 'accountId', 'amount', 'taxRateId'],
          ),
          500,
        ),
        minItems: 1,
      },
      number: textSchema(21),
      issuedOn: daySchema,
      dueOn: daySchema,
      currency: currencySchema,
      memo: textSchema(4000),
    },
    ['vendorId', 'lines'],
    [{ vendorId: '56', lines: [{ accountId: '7', amount: { amountMinor: 20000, currency: 'USD' } }] }],
  ),
  output: schemaOf(
    { billId: idSchema, dueOn: dayOrNull, total: moneySchema, balance: moneySchema },
    ['billId', 'dueOn', 'total', 'balance'],
    [
      {
        billId: '250',
        dueOn: null,
        total: { amountMinor: 20000, currency: 'USD' },
        balance: { amountMinor: 20000, currency: 'USD' },
      },
    ],
  ),
  async run(context, input, idempotencyKey) {
    const body = createBody(outwardOf(billOut, input), context.settings)
    const { row } = await post(context, entities.bill, body, requestIdOf(idempotencyKey))
    return {
      billId: versionOf(row).Id,
      dueOn: textIn(row, 'DueDate') ?? null,
      total: moneyOfRow(row, 'TotalAmt', context),
      balance: moneyOfRow(row, 'Balance', context),
    }
  },
}

export const createJournalEntry: Action = {
  name: 'create_journal_entry',
  title: 'Create a journal entry',
  description:
    'Posts to the ledger. Debits and credits must come to the same sum; this is checked before anything is sent.',
  input: schemaOf(
    {
      lines: {
        ...listOf(
          part(
            {
              side: { enum: ['debit', 'credit'] },
              amount: positiveMoney,
              accountId: idSchema,
              description: textSchema(4000),
            },
            ['description'],
          ),
          500,
        ),
        minItems: 2,
      },
      number: textSchema(21),
      postedOn: daySchema,
      memo: textSchema(4000),
    },
    ['lines'],
    [
      {
        lines: [
          { side: 'debit', amount: { amountMinor: 15000, currency: 'USD' }, accountId: '35' },
          { side: 'credit', amount: { amountMinor: 15000, currency: 'USD' }, accountId: '79' },
        ],
      },
    ],
  ),
  output: schemaOf(
    { journalEntryId: idSchema, number: textOrNull, total: moneySchema },
    ['journalEntryId', 'number', 'total'],
    [{ journalEntryId: '260', number: '12', total: { amountMinor: 15000, currency: 'USD' } }],
  ),
  async run(context, input, idempotencyKey) {
    const lines = objectsIn(input, 'lines')
    const amounts = lines.map((line) => moneyIn(line, 'amount'))
    const currency = amounts[0]?.currency ?? ''
    if (amounts.some((money) => money?.currency !== currency))
      throw refuse('lines', 'are in several currencies')
    const sum = (side: string) =>
      lines.reduce(
        (total, line) => total + (line['side'] === side ? (moneyIn(line, 'amount')?.amountMinor ?? 0) : 0),
        0,
      )
    const debit = sum('debit')
    if (debit !== sum('credit')) throw refuse('lines', 'do not balance: debits and credits differ')
    const body = createBody(outwardOf(journalEntryOut, { ...input, currency }), context.settings)
    const { row } = await post(context, entities.journalEntry, body, requestIdOf(idempotencyKey))
    return {
      journalEntryId: versionOf(row).Id,
      number: textIn(row, 'DocNumber') ?? null,
      total: moneyFrom(debit, currency),
    }
  },
  undo: {
    action: 'delete_journal_entry',
    input: (_input, output) => ({ journalEntryId: output['journalEntryId'] ?? null }),
  },
}

export const deleteJournalEntry: Action = {
  name: 'delete_journal_entry',
  title: 'Delete a journal entry',
  description: 'Takes a journal entry out of the ledger. One that is gone already is no error.',
  input: schemaOf({ journalEntryId: idSchema }, ['journalEntryId'], [{ journalEntryId: '260' }]),
  output: schemaOf(
    { journalEntryId: idSchema, isRepeated: flagSchema },
    ['journalEntryId', 'isRepeated'],
    [{ journalEntryId: '260', isRepeated: false }],
  ),
  async run(context, input, idempotencyKey) {
    const journalEntryId = requireText(input, 'journalEntryId')
    try {
      const current = await readOne(context, entities.journalEntry, journalEntryId)
      await removeOne(context, entities.journalEntry, current, requestIdOf(idempotencyKey))
      return { journalEntryId, isRepeated: false }
    } catch (error) {
      if (!isHubError(error, 'NotFound')) throw error
      return { journalEntryId, isRepeated: true }
    }
  },
}
