import type { JsonObject, JsonSchema } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import type { Action, ProviderContext } from '../contract.ts'
import { accountOf, fieldsIn, resultOf, textIn } from './answer.ts'

const id = { type: 'string', pattern: '^[0-9]{1,15}$' }
const object = (properties: JsonObject, required: readonly string[], example: JsonObject): JsonSchema => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  properties,
  required,
  examples: [example],
})

/** `PUT …/invoices/invoices/{id}` with `action_mark_as_sent`: one that is sent already stays so. */
async function run({ call, settings }: ProviderContext, input: JsonObject): Promise<JsonObject> {
  const invoiceId = textIn(input, 'invoiceId') ?? ''
  if (!/^\d{1,15}$/.test(invoiceId)) throw new HubError('InvalidInput', '"invoiceId" is no id of an invoice')
  const path = `/accounting/account/${accountOf(settings)}/invoices/invoices/${invoiceId}`
  const body = { invoice: { action_mark_as_sent: true } }
  const response = await call({ method: 'PUT', path, body, group: 'write', repeatable: true })
  const invoice = fieldsIn(resultOf(response, path), 'invoice')
  return { invoiceId, status: textIn(invoice, 'v3_status') ?? null }
}

const markSent: Action = {
  name: 'mark_invoice_sent',
  title: 'Mark an invoice as sent',
  description:
    'Makes a draft an invoice that was sent, without sending an e-mail. Repeating changes nothing further.',
  input: object({ invoiceId: id }, ['invoiceId'], { invoiceId: '197902' }),
  output: object({ invoiceId: id, status: { type: ['string', 'null'] } }, ['invoiceId', 'status'], {
    invoiceId: '197902',
    status: 'sent',
  }),
  run,
}

export const actions: readonly Action[] = [markSent]
