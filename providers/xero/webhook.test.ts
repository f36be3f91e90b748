/** What is special in Xero's webhooks: intent to receive, sequences, times without a zone, tenants that are no organisation. */
import type { HookRequest } from '../contract-webhook.ts'
import { webhooks } from './webhook.ts'

const request = (body: string, signature = ''): HookRequest => ({
  method: 'POST',
  url: new URL('https://hub.example.com/hooks/xero'),
  headers: new Map([['x-xero-signature', [signature]]]),
  body: Buffer.from(body, 'utf8'),
  receivedAt: new Date('2026-11-24T10:00:00Z'),
})
const secrets = { webhookKey: ['a-webhooks-key'] }

it('the intent to receive is answered 200 when it is signed rightly, and refused when it is not', () => {
  // printf '%s' '<body>' | openssl dgst -sha256 -hmac 'a-webhooks-key' -binary | base64
  const body = '{"events":[],"firstEventSequence":0,"lastEventSequence":0,"entropy":"FXNGWLCCGVANWHKILRUB"}'
  const signature = 'fHWv0hKy6u18XSPvYD0XtjlJ2K1/jn30bCrpbHHILVQ='
  expect(webhooks.verify(request(body, signature), secrets, {})).toEqual([
    { name: 'signature', passed: true },
  ])
  expect(webhooks.handshake?.(request(body, signature), secrets)).toEqual({ status: 200 })
  expect(webhooks.verify(request(body, `${signature.slice(0, -2)}A=`), secrets, {})[0]?.passed).toBe(false)
  expect(webhooks.refused).toBeUndefined()
})

it('reads the example of the description: its sequence, its time as UTC', () => {
  const event = {
    resourceUrl: 'https://api.xero.com/api.xro/2.0/CreditNotes/55d84274-a3da-4829-a7c0-0cab601b95cc',
    resourceId: '55d84274-a3da-4829-a7c0-0cab601b95cc',
    tenantId: 'aef86862-2015-4b6b-88bc-d89032cecc50',
    tenantType: 'ORGANISATION',
    eventCategory: 'CREDITNOTE',
    eventType: 'CREATE',
    eventDateUtc: '2025-12-02T00:44:09.923',
    data: { Type: 'ACCRECCREDIT', Status: 'DRAFT' },
  }
  const ofSupplier = { ...event, data: { Type: 'ACCPAYCREDIT', Status: 'DRAFT' } }
  const subscription = { ...event, eventCategory: 'SUBSCRIPTION', tenantType: 'APPLICATION' }
  const strange = { ...event, eventCategory: 'PAYROLL' }
  const body = {
    events: [event, subscription, strange, ofSupplier],
    firstEventSequence: 76,
    lastEventSequence: 79,
    entropy: 'X',
  }
  expect(webhooks.split(request(JSON.stringify(body)))).toMatchObject([
    {
      about: 'changed',
      resource: 'credit_notes',
      sequence: 76,
      occurredAt: new Date('2025-12-02T00:44:09.923Z'),
    },
    { about: 'notice', sequence: 77 },
    { about: 'unknown', type: 'PAYROLL.CREATE' },
    { about: 'notice', sequence: 79 },
  ])
})
