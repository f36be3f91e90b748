import { Buffer } from 'node:buffer'
import type { Settings, TokenAuth } from '../contract.ts'
import { HubError } from '../../platform/errors.ts'
import { domainPattern, setup } from './setup.ts'

const domain = new RegExp(domainPattern)

/** HTTP Basic with the key as user and any password; "X" is the documentation's (README, "Signing in"). */
export const apiKey: TokenAuth = {
  kind: 'token',
  name: 'api_key',
  title: 'API key',
  setup,
  headers({ api_key: key }) {
    if (!key) throw new HubError('NotConfigured', 'The Freshdesk connection has no API key.')
    return { authorization: `Basic ${Buffer.from(`${key}:X`, 'utf8').toString('base64')}` }
  },
}

/** @throws HubError `NotConfigured` for a domain that is not one host label. */
export function baseUrl(settings: Settings): string {
  const name = settings['domain'] ?? ''
  if (!domain.test(name))
    throw new HubError(
      'NotConfigured',
      'The Freshdesk domain must be the first part of the address only: "acme" of acme.freshdesk.com',
    )
  return `https://${name}.freshdesk.com`
}
