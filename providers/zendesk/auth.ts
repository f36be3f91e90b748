import { Buffer } from 'node:buffer'
import type { Settings, TokenAuth } from '../contract.ts'
import { HubError } from '../../platform/errors.ts'
import { setup, subdomainPattern } from './setup.ts'

const subdomain = new RegExp(subdomainPattern)

/**
 * API token: HTTP Basic with the user `{email}/token` and the token as password
 * (developer.zendesk.com/api-reference/introduction/security-and-auth, read 2026-11-23).
 */
export const apiToken: TokenAuth = {
  kind: 'token',
  name: 'api_token',
  title: 'API token',
  setup,
  headers(secrets, settings) {
    const { token } = secrets
    const { email } = settings
    if (!token || !email)
      throw new HubError('NotConfigured', 'The Zendesk connection lacks its email address or API token')
    const basic = Buffer.from(`${email}/token:${token}`, 'utf8').toString('base64')
    return { authorization: `Basic ${basic}` }
  },
}

/** `https://{subdomain}.zendesk.com`. Throws `NotConfigured` for a subdomain that is not one host label. */
export function baseUrl(settings: Settings): string {
  const name = settings['subdomain'] ?? ''
  if (!subdomain.test(name)) {
    throw new HubError(
      'NotConfigured',
      'The Zendesk subdomain must be the first part of the address only: "acme" of acme.zendesk.com',
    )
  }
  return `https://${name}.zendesk.com`
}
