/** Invoices and sales receipts: made, sent, voided, printed. */
import type { Action, ProviderContext, Row } from '../contract.ts'
import type { JsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import {
  currencySchema,
  daySchema,
  dayOrNull,
  emailSchema,
  flagSchema,
  idSchema,
  listOf,
  moneySchema,
  optionalText,
  outwardOf,
  requireText,
  salesLineSchema,
  schemaOf,
  textOrNull,
  textSchema,
} from './action-input.ts'
import { minorOf, moneyFrom } from './amounts.ts'
import { ask, companyPath, fieldsIn, minorVersion, numberIn, protocolError, textIn } from './answer.ts'
import { createBody, requestIdOf, versionOf } from './body.ts'
import { currencyOf } from './derive.ts'
import { entities, type Entity } from './entities.ts'
import { creditMemoOut, invoiceOut } from './outward.ts'
import { post, readOne } from './write.ts'

/** Voided: all amounts at zero and "Voided" in the private note. */
export const isVoided = (row: Row): boolean =>
  numberIn(row, 'TotalAmt') === 0 && (textIn(row, 'PrivateNote') ?? '').includes('Voided')

/** A decimal field of an answer as money. */
export function moneyOfRow(row: Row, name: string, context: ProviderContext): JsonObject {
  const currency = currencyOf(row, context.settings)
  const minor = minorOf(row[name], currency)
  if (minor === undefined) throw protocolError(`"${name}" is no amount in ${currency}`)
  return moneyFrom(minor, currency)
}

const orNull = (row: Row, name: string): string | null => textIn(row, name) ?? null

const documentProperties = {
  customerId: idSchema,
  lines: { ...listOf(salesLineSchema, 500), minItems: 1 },
  number: textSchema(21),
  issuedOn: daySchema,
  currency: currencySchema,
  memo: textSchema(1000),
  customerEmail: emailSchema,
}
const exampleLines = [
  {
    description: 'Consulting',
    itemId: '1',
    quantity: 2,
    unitPrice: { amountMinor: 7500, currency: 'USD' },
  },
]

// ------------------------------------------------------------------------------------------ create_invoice

export const createInvoice: Action = {
  name: 'create_invoice',
  title: 'Create an invoice',
  description:
    'Creates an invoice. A line takes its amount from quantity and unit price where none is given. Repeated with the same idempotency key, QuickBooks answers with the ' +
    'invoice made first (requestid).',
  input: schemaOf(
    { ...documentProperties, dueOn: daySchema },
    ['customerId', 'lines'],
    [{ customerId: '58', lines: exampleLines, dueOn: '2026-12-31' }],
  ),
  output: schemaOf(
    {
      invoiceId: idSchema,
      number: textOrNull,
      customerId: textOrNull,
      dueOn: dayOrNull,
      total: moneySchema,
      balance: moneySchema,
    },
    ['invoiceId', 'number', 'customerId', 'dueOn', 'total', 'balance'],
    [
      {
        invoiceId: '239',
        number: '1070',
        customerId: '58',
        dueOn: '2026-12-31',
        total: { amountMinor: 15000, currency: 'USD' },
        balance: { amountMinor: 15000, currency: 'USD' },
      },
    ],
  ),
  async run(context, input, idempotencyKey) {
    const body = createBody(outwardOf(invoiceOut, input), context.settings)
    const { row } = await post(context, entities.invoice, body, requestIdOf(idempotencyKey))
    return {
      invoiceId: versionOf(row).Id,
      number: orNull(row, 'DocNumber'),
      customerId: textIn(fieldsIn(row, 'CustomerRef'), 'value') ?? null,
      dueOn: orNull(row, 'DueDate'),
      total: moneyOfRow(row, 'TotalAmt', context),
      balance: moneyOfRow(row, 'Balance', context),
    }
  },
  undo: { action: 'void_invoice', input: (_input, output) => ({ invoiceId: output['invoiceId'] ?? null }) },
}

// -------------------------------------------------------------------------------------------- void_invoice

export const voidInvoice: Action = {
  name: 'void_invoice',
  title: 'Void an invoice',
  description:
    'Sets all amounts of an invoice to zero and notes it as voided; it stays in the books. One that is voided already is left as it is.',
  input: schemaOf({ invoiceId: idSchema }, ['invoiceId'], [{ invoiceId: '239' }]),
  output: schemaOf(
    { invoiceId: idSchema, isRepeated: flagSchema },
    ['invoiceId', 'isRepeated'],
    [{ invoiceId: '239', isRepeated: false }],
  ),
  async run(context, input, idempotencyKey) {
    const invoiceId = requireText(input, 'invoiceId')
    const current = await readOne(context, entities.invoice, invoiceId)
    if (isVoided(current)) return { invoiceId, isRepeated: true }
    await post(context, entities.invoice, versionOf(current), requestIdOf(idempotencyKey), {
      operation: 'void',
    })
    return { invoiceId, isRepeated: false }
  },
}

// -------------------------------------------------------------------------------------------------- e-mails

/** `POST /{entity}/{id}/send`, without a body. A repetition with the same key sends no second e-mail (requestid). */
export async function sendByEmail(
  context: ProviderContext,
  entity: Entity,
  id: string,
  sendTo: string | undefined,
  idempotencyKey: string,
): Promise<Row> {
  const response = await ask(context, 'email', `/${entity.path}/${id}/send`, {
    method: 'POST',
    text: { type: 'application/octet-stream', content: '' },
    query: { sendTo, requestid: requestIdOf(idempotencyKey, 'send') },
    repeatable: true,
  })
  const row = fieldsIn(response.fields, entity.name)
  if (!row) throw protocolError(`"${entity.name}" is missing in the answer to a send`)
  return row
}

export const sendInvoice: Action = {
  name: 'send_invoice',
  title: 'Send an invoice by e-mail',
  description:
    "QuickBooks e-mails the invoice to the given address, or to the invoice's own. Sandbox companies send 40 e-mails a day.",
  input: schemaOf({ invoiceId: idSchema, sendTo: emailSchema }, ['invoiceId'], [{ invoiceId: '239' }]),
  output: schemaOf(
    { invoiceId: idSchema, sendStatus: textOrNull },
    ['invoiceId', 'sendStatus'],
    [{ invoiceId: '239', sendStatus: 'EmailSent' }],
  ),
  async run(context, input, idempotencyKey) {
    const invoiceId = requireText(input, 'invoiceId')
    const sendTo = optionalText(input, 'sendTo')
    const row = await sendByEmail(context, entities.invoice, invoiceId, sendTo, idempotencyKey)
    return { invoiceId, sendStatus: orNull(row, 'EmailStatus') }
  },
}

// ----------------------------------------------------------------------------------------------- invoice_pdf

/** Of the PDF, before it becomes text: larger ones are fetched at QuickBooks itself. */
const mostPdfBytes = 5 * 1024 * 1024

export const invoicePdf: Action = {
  name: 'invoice_pdf',
  title: 'Get an invoice as PDF',
  description: 'The invoice as its customer sees it, base64, up to 5 MB.',
  input: schemaOf({ invoiceId: idSchema }, ['invoiceId'], [{ invoiceId: '239' }]),
  output: schemaOf(
    {
      invoiceId: idSchema,
      contentType: { const: 'application/pdf' },
      sizeBytes: { type: 'integer', minimum: 0, maximum: mostPdfBytes },
      base64: { type: 'string' },
    },
    ['invoiceId', 'contentType', 'sizeBytes', 'base64'],
    [{ invoiceId: '239', contentType: 'application/pdf', sizeBytes: 8, base64: 'JVBERi0xLjQ=' }],
  ),
  async run(context, input) {
    const invoiceId = requireText(input, 'invoiceId')
    const { body } = await context.call({
      method: 'GET',
      path: companyPath(context.settings, `/invoice/${invoiceId}/pdf`),
      query: { minorversion: minorVersion },
      headers: { accept: 'application/pdf' },
      answer: 'bytes',
      group: 'read',
    })
    const base64 = typeof body === 'string' ? body : ''
    // "%PDF" in base64.
    if (!base64.startsWith('JVBER')) throw protocolError('the answer is no PDF')
    const sizeBytes = (base64.length / 4) * 3 - (/=*$/.exec(base64)?.[0].length ?? 0)
    if (sizeBytes > mostPdfBytes)
      throw new HubError('Invalid', `The PDF has ${sizeBytes} bytes; at most ${mostPdfBytes} are handed on.`)
    return { invoiceId, contentType: 'application/pdf', sizeBytes, base64 }
  },
}

// -------------------------------------------------------------------------------------- create_sales_receipt

export const createSalesReceipt: Action = {
  name: 'create_sales_receipt',
  title: 'Create a sales receipt',
  description: 'A sale that is paid at once: lines as of an invoice, and where the money went.',
  input: schemaOf(
    {
      ...documentProperties,
      method: textSchema(30),
      reference: textSchema(21),
      depositAccountId: idSchema,
    },
    ['lines'],
    [{ customerId: '58', lines: exampleLines, depositAccountId: '35' }],
  ),
  output: schemaOf(
    { salesReceiptId: idSchema, number: textOrNull, total: moneySchema },
    ['salesReceiptId', 'number', 'total'],
    [{ salesReceiptId: '240', number: '1071', total: { amountMinor: 15000, currency: 'USD' } }],
  ),
  async run(context, input, idempotencyKey) {
    const [email, method, reference, account] = [
      optionalText(input, 'customerEmail'),
      optionalText(input, 'method'),
      optionalText(input, 'reference'),
      optionalText(input, 'depositAccountId'),
    ]
    const fields: JsonObject = {
      ...outwardOf(creditMemoOut, input),
      ...(email === undefined ? {} : { BillEmail: { Address: email } }),
      ...(method === undefined ? {} : { PaymentMethodRef: { value: method } }),
      ...(reference === undefined ? {} : { PaymentRefNum: reference }),
      ...(account === undefined ? {} : { DepositToAccountRef: { value: account } }),
    }
    const body = createBody(fields, context.settings)
    const { row } = await post(context, entities.salesReceipt, body, requestIdOf(idempotencyKey))
    return {
      salesReceiptId: versionOf(row).Id,
      number: orNull(row, 'DocNumber'),
      total: moneyOfRow(row, 'TotalAmt', context),
    }
  },
}
