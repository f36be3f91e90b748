import { Buffer } from 'node:buffer'
import type { Settings, TokenAuth } from '../contract.ts'
import { HubError } from '../../platform/errors.ts'
import { rotation } from './rotation.ts'
import { setup } from './setup.ts'

/**
 * Service account: HTTP Basic with its username and secret; each call names the project besides (docs: service-accounts).
 * The project secret is not offered: Mixpanel retires it on 2027-03-03.
 */
export const serviceAccount: TokenAuth = {
  kind: 'token',
  name: 'service_account',
  title: 'Service account',
  setup,
  rotation,
  headers(secrets, settings) {
    const { secret } = secrets
    const { username } = settings
    if (!secret || !username)
      throw new HubError(
        'NotConfigured',
        'The Mixpanel connection lacks its service account’s username or secret',
      )
    return { authorization: `Basic ${Buffer.from(`${username}:${secret}`, 'utf8').toString('base64')}` }
  },
}

/** Mixpanel's servers, one set per region of data residency; none forwards to another (docs: overview, privacy). */
const servers = {
  us: {
    app: 'https://mixpanel.com/api/app',
    query: 'https://mixpanel.com/api/query',
    export: 'https://data.mixpanel.com/api/2.0',
    ingest: 'https://api.mixpanel.com',
  },
  eu: {
    app: 'https://eu.mixpanel.com/api/app',
    query: 'https://eu.mixpanel.com/api/query',
    export: 'https://data-eu.mixpanel.com/api/2.0',
    ingest: 'https://api-eu.mixpanel.com',
  },
  in: {
    app: 'https://in.mixpanel.com/api/app',
    query: 'https://in.mixpanel.com/api/query',
    export: 'https://data-in.mixpanel.com/api/2.0',
    ingest: 'https://api-in.mixpanel.com',
  },
} as const

/** @throws HubError `NotConfigured` for a region that does not exist: data sent to the wrong one is lost. */
export function baseUrl(settings: Settings, base = 'app'): string {
  const region = settings['region'] ?? ''
  if (!Object.hasOwn(servers, region))
    throw new HubError('NotConfigured', 'The Mixpanel region must be "us", "eu" or "in"')
  const urls: Readonly<Record<string, string>> = servers[region as keyof typeof servers]
  const url = urls[base]
  if (url === undefined) throw new Error(`Mixpanel has no base URL called ${base}`)
  return url
}
