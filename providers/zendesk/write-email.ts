/**
 * The primary address of a user. `PUT /users/{id}` with another `email` only adds a second one; the primary one is changed through
 * the user's identities (support.zendesk.com 4408885830682, users.openapi.yaml, read 2026-11-24). Each step may be repeated.
 */
import type { JsonValue } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import type { ProviderContext } from '../contract.ts'
import { idText, textIn, type Fields } from './answer.ts'
import { readList } from './paging.ts'

async function emailsOf(context: ProviderContext, path: string): Promise<Fields[]> {
  const found: Fields[] = []
  let after: string | undefined
  do {
    const page = await readList(context, 'support', path, 'identities', {}, after)
    found.push(...page.rows.filter((row) => row['type'] === 'email'))
    after = page.after
  } while (after !== undefined)
  return found
}

/** @throws HubError `Invalid` for no address at all: Zendesk has users without one, but makes none of others. */
export async function setEmail(context: ProviderContext, userId: string, email: JsonValue): Promise<void> {
  if (typeof email !== 'string' || email === '') {
    const detail = "A user's address can be replaced, but not taken away"
    throw new HubError('Invalid', detail, { fields: [{ pointer: '/email', detail }] })
  }
  const path = `/api/v2/users/${encodeURIComponent(userId)}/identities`
  const send = (method: 'POST' | 'PUT', below: string, body?: { identity: Record<string, JsonValue> }) =>
    context.call({
      method,
      path: `${path}${below}`,
      group: 'support',
      ...(body ? { body } : {}),
      repeatable: method === 'PUT',
    })
  const emails = await emailsOf(context, path)
  const known = emails.find((one) => textIn(one, 'value')?.toLowerCase() === email.toLowerCase())
  const primary = emails.find((one) => one['primary'] === true)
  if (known && known === primary) return
  if (known) await send('PUT', `/${idText(known['id']) ?? ''}/make_primary`)
  else if (primary) await send('PUT', `/${idText(primary['id']) ?? ''}`, { identity: { value: email } })
  else await send('POST', '', { identity: { type: 'email', value: email, skip_verify_email: true } })
}
