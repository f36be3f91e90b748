/** Payments: recorded, voided, acknowledged, and applied to invoices as the reconciliation proposes. */
import type { Action, ProviderContext, Row } from '../contract.ts'
import type { JsonObject } from '../../model/json.ts'
import type { Money } from '../../model/money.ts'
import { mostProposals } from './reconcile.ts'
import { HubError, isHubError } from '../../platform/errors.ts'
import {
  daySchema,
  emailSchema,
  flagSchema,
  idSchema,
  listOf,
  moneySchema,
  objectsIn,
  optionalText,
  outwardOf,
  part,
  positiveMoney,
  refuse,
  requireText,
  schemaOf,
  textOrNull,
  textSchema,
} from './action-input.ts'
import { isVoided, moneyOfRow, sendByEmail } from './action-sales.ts'
import { decimalNumber, minorOf, moneyIn } from './amounts.ts'
import { fieldsIn, listIn, refIn, textIn } from './answer.ts'
import { createBody, requestIdOf, updateBody, versionOf } from './body.ts'
import { currencyOf, linksOf } from './derive.ts'
import { entities } from './entities.ts'
import { paymentOut } from './outward.ts'
import { post, readOne } from './write.ts'

// -------------------------------------------------------------------------------------------- record_payment

const application = part({
  type: { enum: ['invoice', 'creditNote', 'journalEntry'] },
  id: idSchema,
  amount: positiveMoney,
})

/** `invoiceId` stands for the whole amount applied to that invoice. */
function appliedOf(input: JsonObject, amount: Money): JsonObject[] {
  const invoiceId = optionalText(input, 'invoiceId')
  const applied =
    invoiceId === undefined ? objectsIn(input, 'applied') : [{ type: 'invoice', id: invoiceId, amount }]
  // What is applied to invoices less what credit notes bring must not be more than was paid.
  const used = applied.reduce((sum, one) => {
    const money = moneyIn(one, 'amount')
    if (money?.currency !== amount.currency)
      throw refuse('applied', 'is in another currency than the payment')
    return sum + (one['type'] === 'creditNote' ? -money.amountMinor : money.amountMinor)
  }, 0)
  if (used > amount.amountMinor) throw refuse('applied', 'is more than was paid')
  return applied
}

export const recordPayment: Action = {
  name: 'record_payment',
  title: 'Record a payment',
  description:
    'Records money received from a customer, applied to one invoice (`invoiceId`), to several documents (`applied`), or to none yet. Repeated with the same ' +
    'idempotency key, QuickBooks answers with the payment made first (requestid).',
  input: schemaOf(
    {
      customerId: idSchema,
      amount: positiveMoney,
      paidOn: daySchema,
      invoiceId: idSchema,
      applied: listOf(application, 200),
      method: textSchema(30),
      reference: textSchema(21),
      depositAccountId: idSchema,
      memo: textSchema(4000),
    },
    ['customerId', 'amount'],
    [{ customerId: '58', amount: { amountMinor: 15000, currency: 'USD' }, invoiceId: '239' }],
    { not: { required: ['invoiceId', 'applied'] } },
  ),
  output: schemaOf(
    { paymentId: idSchema, customerId: textOrNull, amount: moneySchema, unapplied: moneySchema },
    ['paymentId', 'customerId', 'amount', 'unapplied'],
    [
      {
        paymentId: '241',
        customerId: '58',
        amount: { amountMinor: 15000, currency: 'USD' },
        unapplied: { amountMinor: 0, currency: 'USD' },
      },
    ],
  ),
  async run(context, input, idempotencyKey) {
    const amount = moneyIn(input, 'amount')
    if (!amount) throw refuse('amount', 'is missing')
    const applied = appliedOf(input, amount)
    const { invoiceId: _invoiceId, applied: _applied, ...rest } = input
    const wish = applied.length === 0 ? rest : { ...rest, applied }
    const body = createBody(outwardOf(paymentOut, wish), context.settings)
    const { row } = await post(context, entities.payment, body, requestIdOf(idempotencyKey))
    return {
      paymentId: versionOf(row).Id,
      customerId: refIn(row, 'CustomerRef') ?? null,
      amount: moneyOfRow(row, 'TotalAmt', context),
      unapplied: moneyOfRow(row, 'UnappliedAmt', context),
    }
  },
  undo: { action: 'void_payment', input: (_input, output) => ({ paymentId: output['paymentId'] ?? null }) },
}

// ---------------------------------------------------------------------------------------------- void_payment

export const voidPayment: Action = {
  name: 'void_payment',
  title: 'Void a payment',
  description:
    'Sets all amounts of a payment to zero and notes it as voided. One that lies in a bank deposit has to be taken out of it first. One that is voided already is ' +
    'left as it is.',
  input: schemaOf({ paymentId: idSchema }, ['paymentId'], [{ paymentId: '241' }]),
  output: schemaOf(
    { paymentId: idSchema, isRepeated: flagSchema },
    ['paymentId', 'isRepeated'],
    [{ paymentId: '241', isRepeated: false }],
  ),
  async run(context, input, idempotencyKey) {
    const paymentId = requireText(input, 'paymentId')
    const current = await readOne(context, entities.payment, paymentId)
    if (isVoided(current)) return { paymentId, isRepeated: true }
    const body = { ...versionOf(current), sparse: true }
    const query = { operation: 'update', include: 'void' }
    await post(context, entities.payment, body, requestIdOf(idempotencyKey), query)
    return { paymentId, isRepeated: false }
  },
}

// ---------------------------------------------------------------------------------------------- send_receipt

/** The customer's own address, for a payment: QuickBooks wants one with the call. */
async function emailOf(context: ProviderContext, paymentId: string): Promise<string> {
  const payment = await readOne(context, entities.payment, paymentId)
  const customerId = refIn(payment, 'CustomerRef')
  const customer =
    customerId === undefined ? undefined : await readOne(context, entities.customer, customerId)
  const email = textIn(fieldsIn(customer, 'PrimaryEmailAddr'), 'Address')
  if (email === undefined)
    throw new HubError('Invalid', 'The customer has no e-mail address in QuickBooks. Give one in "sendTo".', {
      fields: [{ pointer: '/sendTo', detail: 'is missing, and the customer has no address' }],
    })
  return email
}

export const sendReceipt: Action = {
  name: 'send_receipt',
  title: 'Send a receipt by e-mail',
  description:
    "QuickBooks e-mails the receipt of a payment or of a sales receipt, to the given address or to the customer's own. Sandbox companies send 40 e-mails a day.",
  input: schemaOf(
    { paymentId: idSchema, salesReceiptId: idSchema, sendTo: emailSchema },
    [],
    [{ paymentId: '241', sendTo: 'ana@example.com' }],
    { oneOf: [{ required: ['paymentId'] }, { required: ['salesReceiptId'] }] },
  ),
  output: schemaOf(
    { id: idSchema, kind: { enum: ['payment', 'salesReceipt'] } },
    ['id', 'kind'],
    [{ id: '241', kind: 'payment' }],
  ),
  async run(context, input, idempotencyKey) {
    const paymentId = optionalText(input, 'paymentId')
    const sendTo = optionalText(input, 'sendTo')
    if (paymentId === undefined) {
      const id = requireText(input, 'salesReceiptId')
      await sendByEmail(context, entities.salesReceipt, id, sendTo, idempotencyKey)
      return { id, kind: 'salesReceipt' }
    }
    const email = sendTo ?? (await emailOf(context, paymentId))
    await sendByEmail(context, entities.payment, paymentId, email, idempotencyKey)
    return { id: paymentId, kind: 'payment' }
  },
}

// -------------------------------------------------------------------------------------------- apply_payments

interface Wish {
  readonly paymentId: string
  readonly version: string | undefined
  readonly applications: readonly { readonly invoiceId: string; readonly amount: Money }[]
}

function wishOf(proposal: JsonObject): Wish {
  return {
    paymentId: requireText(proposal, 'paymentId'),
    version: optionalText(proposal, 'paymentVersion'),
    applications: objectsIn(proposal, 'applications').map((one) => {
      const amount = moneyIn(one, 'amount')
      if (!amount || amount.amountMinor <= 0)
        throw refuse('applications', 'has an amount that is not above zero')
      return { invoiceId: requireText(one, 'invoiceId'), amount }
    }),
  }
}

/** How much of a payment lies on each invoice, in minor units. */
function onInvoices(payment: Row, currency: string): Map<string, number> {
  const sums = new Map<string, number>()
  for (const { type, id, amount } of linksOf(payment))
    if (type === 'Invoice') sums.set(id, (sums.get(id) ?? 0) + (minorOf(amount, currency) ?? 0))
  return sums
}

type Outcome = {
  readonly state: 'applied' | 'alreadyApplied' | 'refused'
  readonly reason: string | null
  readonly unapplied: JsonObject | null
}

/** Why a proposal cannot be carried out on the payment as it is now; undefined when it can. */
async function obstacle(context: ProviderContext, wish: Wish, payment: Row): Promise<string | undefined> {
  const currency = currencyOf(payment, context.settings)
  if (wish.applications.some(({ amount }) => amount.currency !== currency))
    return `the payment is in ${currency}`
  const total = wish.applications.reduce((sum, { amount }) => sum + amount.amountMinor, 0)
  const free = minorOf(payment['UnappliedAmt'], currency) ?? 0
  if (total > free) return 'more than what is left of the payment'
  for (const { invoiceId, amount } of wish.applications) {
    const invoice = await readOne(context, entities.invoice, invoiceId)
    if (refIn(invoice, 'CustomerRef') !== refIn(payment, 'CustomerRef'))
      return 'invoice and payment are of different customers'
    if (currencyOf(invoice, context.settings) !== currency) return 'the invoice is in another currency'
    if (amount.amountMinor > (minorOf(invoice['Balance'], currency) ?? 0))
      return 'more than what is open on the invoice'
  }
  return undefined
}

/** The payment's lines with the new applications; one more on an invoice that it is applied to already adds up. */
function appliedLines(payment: Row, wish: Wish, currency: string): JsonObject[] {
  const sums = onInvoices(payment, currency)
  for (const { invoiceId, amount } of wish.applications)
    sums.set(invoiceId, (sums.get(invoiceId) ?? 0) + amount.amountMinor)
  const others = listIn(payment, 'Line').filter(
    (line) => !listIn(line, 'LinkedTxn').some((link) => textIn(link, 'TxnType') === 'Invoice'),
  ) as JsonObject[]
  return [
    ...others,
    ...[...sums].map(([invoiceId, minor]): JsonObject => ({
      Amount: decimalNumber(minor, currency),
      LinkedTxn: [{ TxnId: invoiceId, TxnType: 'Invoice' }],
    })),
  ]
}

async function applyOne(context: ProviderContext, wish: Wish, idempotencyKey: string): Promise<Outcome> {
  const payment = await readOne(context, entities.payment, wish.paymentId)
  const currency = currencyOf(payment, context.settings)
  const { SyncToken: version } = versionOf(payment)
  if (wish.version !== undefined && wish.version !== version) {
    const sums = onInvoices(payment, currency)
    const isDone = wish.applications.every(
      ({ invoiceId, amount }) => (sums.get(invoiceId) ?? 0) >= amount.amountMinor,
    )
    return {
      state: isDone ? 'alreadyApplied' : 'refused',
      reason: isDone ? null : 'the payment has changed since it was proposed',
      unapplied: moneyOfRow(payment, 'UnappliedAmt', context),
    }
  }
  const reason = await obstacle(context, wish, payment)
  if (reason !== undefined)
    return { state: 'refused', reason, unapplied: moneyOfRow(payment, 'UnappliedAmt', context) }
  const body = updateBody(
    entities.payment,
    { Line: appliedLines(payment, wish, currency) },
    payment,
    context.settings,
  )
  const requestId = requestIdOf(idempotencyKey, `${wish.paymentId}/${version}`)
  const { row } = await post(context, entities.payment, body, requestId)
  return { state: 'applied', reason: null, unapplied: moneyOfRow(row, 'UnappliedAmt', context) }
}

export const applyPayments: Action = {
  name: 'apply_payments',
  title: 'Apply payments to invoices',
  description:
    'Carries out proposals of the report `reconciliation`: applies what is left of payments to open invoices. Each proposal is checked against QuickBooks first and has ' +
    'an outcome of its own; one that was carried out before (same `paymentVersion`) is recognised.',
  input: schemaOf(
    {
      proposals: {
        ...listOf(
          part(
            {
              paymentId: idSchema,
              paymentVersion: textSchema(20),
              applications: {
                ...listOf(part({ invoiceId: idSchema, amount: positiveMoney }), 100),
                minItems: 1,
              },
              method: { enum: ['exact', 'sum', 'oldest'] },
              customerId: textOrNull,
            },
            ['method', 'customerId'],
          ),
          mostProposals,
        ),
        minItems: 1,
      },
    },
    ['proposals'],
    [
      {
        proposals: [
          {
            paymentId: '241',
            paymentVersion: '0',
            applications: [{ invoiceId: '239', amount: { amountMinor: 15000, currency: 'USD' } }],
          },
        ],
      },
    ],
  ),
  output: schemaOf(
    {
      applied: { type: 'integer', minimum: 0 },
      results: listOf(
        part({
          paymentId: idSchema,
          state: { enum: ['applied', 'alreadyApplied', 'refused'] },
          reason: textOrNull,
          unapplied: { anyOf: [moneySchema, { type: 'null' }] },
        }),
      ),
    },
    ['applied', 'results'],
    [
      {
        applied: 1,
        results: [
          {
            paymentId: '241',
            state: 'applied',
            reason: null,
            unapplied: { amountMinor: 0, currency: 'USD' },
          },
        ],
      },
    ],
  ),
  async run(context, input, idempotencyKey) {
    const results: JsonObject[] = []
    for (const wish of objectsIn(input, 'proposals').map(wishOf)) {
      const outcome = await applyOne(context, wish, idempotencyKey).catch((error: unknown): Outcome => {
        // What is wrong with this proposal alone stops no other; a failure of the connection stops all.
        if (!isHubError(error) || !['NotFound', 'Invalid', 'Conflict'].includes(error.code)) throw error
        return { state: 'refused', reason: error.message, unapplied: null }
      })
      results.push({ paymentId: wish.paymentId, ...outcome })
    }
    return { applied: results.filter(({ state }) => state === 'applied').length, results }
  },
}
