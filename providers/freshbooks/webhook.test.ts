/** What is special in FreshBooks' callbacks: the text that is signed, the first post, events without an id. */
import { checkMapping } from '../../model/mapping-check.ts'
import type { HookRequest } from '../contract-webhook.ts'
import { webhooks } from './webhook.ts'

const request = (body: string, signature = '', at = '2026-11-24T10:00:00Z'): HookRequest => ({
  method: 'POST',
  url: new URL('https://hub.example.com/hooks/freshbooks/con_1?key=k'),
  headers: new Map([['x-freshbooks-hmac-sha256', [signature]]]),
  body: Buffer.from(body, 'utf8'),
  receivedAt: new Date(at),
})
const secrets = { verifier: ['scADVVi5QuKuj5qTjVkbJNYQe7V7USpGd'] }

it('is signed over what Python writes: vectors made with its json, hmac and base64', () => {
  // json.dumps({"name": "invoice.create", "object_id": "1234567", …}) and, with an umlaut and a quotation mark, {"name": "client.create", "note": "Zoë \"x\""}
  const passed = (body: string, signature: string) =>
    webhooks.verify(request(body, signature), secrets, {})[0]?.passed
  const form =
    'name=invoice.create&object_id=1234567&account_id=6BApk&business_id=6543&identity_id=1234&user_id=1'
  expect(passed(form, '/S03vyYmI7CekM4YXBHUhs9o5rnMtqGLrW3aA8S9gPc=')).toBe(true)
  expect(
    passed('name=client.create&note=Zo%C3%AB+%22x%22', 'qwIH9W+If6ezu4UFXI7qhCxWFt4TVpPFbLL40g4Q+rI='),
  ).toBe(true)
  expect(passed(`${form}&`, '/S03vyYmI7CekM4YXBHUhs9o5rnMtqGLrW3aA8S9gPc=')).toBe(false)
  expect(passed(form.replace('1234567', '%31234567'), '/S03vyYmI7CekM4YXBHUhs9o5rnMtqGLrW3aA8S9gPc=')).toBe(
    false,
  )
})

it('lets a post in that brings a verifier, and no other without a signature', () => {
  const first = 'name=callback.verify&object_id=2001&verifier=scADVVi5QuKuj5qTjVkbJNYQe7V7USpGd'
  const passed = (body: string, known = {}) =>
    webhooks.verify(request(body), known, {}).every((check) => check.passed)
  expect(passed(first)).toBe(true)
  expect(passed(first, secrets)).toBe(true)
  expect(passed('name=callback.verify&object_id=2001', secrets)).toBe(false)
  expect(passed('name=invoice.create&object_id=1')).toBe(false)
  expect(webhooks.split(request(first))).toMatchObject([
    { about: 'notice', payload: { verifier: secrets.verifier[0] } },
  ])
})

it('takes a repetition within the minute for one, and reads again what comes later', () => {
  const form = 'name=invoice.update&object_id=7&account_id=6BApk'
  const key = (at: string) => webhooks.split(request(form, '', at))[0]?.key
  expect(key('2026-11-24T10:00:01Z')).toBe(key('2026-11-24T10:00:59Z'))
  expect(key('2026-11-24T10:05:00Z')).not.toBe(key('2026-11-24T10:00:59Z'))
  expect(webhooks.split(request('name=invoice.delete&object_id=7'))).toMatchObject([
    { about: 'deleted', resource: 'invoices' },
  ])
  expect(webhooks.split(request('name=recurring.create&object_id=7'))).toMatchObject([{ about: 'unknown' }])
  for (const { mapping } of webhooks.received ?? []) expect(checkMapping(mapping)).toEqual([])
})
