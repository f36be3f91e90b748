/** What the hub can do in Xero: `void_invoice`. */
import type { Action } from '../contract.ts'
import type { JsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import { ask, isId, listIn, protocolError, textIn } from './answer.ts'

/** What a status may be turned into (README, "Writing"); others are left to Xero to refuse. */
const endOf: Readonly<Record<string, string>> = { DRAFT: 'DELETED', SUBMITTED: 'DELETED' }
const ended = ['VOIDED', 'DELETED']

const idSchema = { type: 'string', format: 'uuid' }

const voidInvoice: Action = {
  name: 'void_invoice',
  title: 'Void an invoice',
  description:
    'Voids an approved invoice or bill; one that was not approved yet is deleted, as Xero has it. One that has payments or credits is refused until they are taken off. An ' +
    'invoice that is void already is left alone.',
  input: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    additionalProperties: false,
    required: ['invoiceId'],
    properties: { invoiceId: idSchema },
    examples: [{ invoiceId: 'd4956132-ed94-4dd7-9eaa-aa22dfdf06f2' }],
  },
  output: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    required: ['invoiceId', 'status'],
    properties: { invoiceId: idSchema, status: { enum: ended } },
  },
  async run(context, input: JsonObject, idempotencyKey) {
    const id = typeof input['invoiceId'] === 'string' ? input['invoiceId'] : ''
    if (!isId(id))
      throw new HubError('InvalidInput', '"invoiceId" is not an id of Xero', {
        fields: [{ pointer: '/invoiceId', detail: 'is not an id of Xero' }],
      })
    const path = `/Invoices/${id}`
    const [current] = listIn((await ask(context, 'read', path)).fields, 'Invoices')
    const status = textIn(current, 'Status')
    if (status === undefined) throw protocolError(`${path}: no status`)
    if (ended.includes(status)) return { invoiceId: id, status }
    const { fields } = await ask(context, 'write', path, {
      method: 'POST',
      headers: { 'idempotency-key': idempotencyKey },
      body: { Invoices: [{ InvoiceID: id, Status: endOf[status] ?? 'VOIDED' }] },
      repeatable: true,
    })
    const after = textIn(listIn(fields, 'Invoices')[0], 'Status')
    if (after === undefined || !ended.includes(after))
      throw protocolError(`${path}: it is ${after ?? 'nothing'}`)
    return { invoiceId: id, status: after }
  },
}

export const actions: readonly Action[] = [voidInvoice]
