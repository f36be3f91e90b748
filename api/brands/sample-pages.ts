/** The pages of the connect flow as a brand dresses them, with a service that does not exist. Nothing on them does anything. */
import type { AuthMethod, OAuth2Auth, TokenAuth } from '../../providers/contract.ts'
import { dressOf, type Dress } from '../connect/layout.ts'
import { choosePage, donePage, expiredPage, setupPage, testingPage, type PageView } from '../connect/pages.ts'
import type { Look } from './brands.ts'

export const samplePages = ['choose', 'setup', 'problem', 'test', 'done', 'expired'] as const
export type SamplePage = (typeof samplePages)[number]

const token: TokenAuth = {
  kind: 'token',
  name: 'api_token',
  title: 'API token',
  headers: () => ({}),
  setup: [
    {
      title: 'Make a token',
      text: 'Sign in to Example Desk as an administrator, open Settings, then API, and make a token for this connection.',
      fields: [],
    },
    {
      title: 'Enter it here',
      text: 'The address is the one in your browser while you work with Example Desk.',
      fields: [
        {
          ...{ name: 'subdomain', label: 'Subdomain', help: 'The part before .desk.example.', secret: false },
          ...{ required: true, pattern: '^[a-z0-9-]+$', patternHint: 'Letters, digits and dashes' },
          example: 'acme',
        },
        {
          ...{ name: 'token', label: 'API token', help: 'Shown once, when it is made.', secret: true },
          ...{ required: true, pattern: '^\\S{8,}$', patternHint: 'At least 8 characters' },
        },
      ],
    },
  ],
}

const oauth: OAuth2Auth = {
  ...{ kind: 'oauth2', name: 'oauth', title: 'Sign in with Example Desk', headers: () => ({}), setup: [] },
  client: { idVariable: '', secretVariable: '' },
  endpoints: () => ({ authorize: 'https://desk.example/', token: 'https://desk.example/' }),
  ...{ clientAuthentication: 'basic', pkce: true, accessLifetimeSeconds: 3600, scopes: [] },
  refresh: { rotates: 'never', graceSeconds: 0 },
  identify: () => Promise.reject(new Error('a sample is connected to nothing')),
}

const methods: readonly AuthMethod[] = [oauth, token]

export function samplePage(page: SamplePage, look: Look, options: SampleOptions): string {
  const dress: Dress = { ...dressOf(look, options.languages), styleUrl: options.styleUrl }
  const view: PageView = {
    ...{ methods, dress, formToken: '', provider: { name: 'Example Desk' } },
    session: {
      ...{ sessionId: 'preview', partnerName: look.name, isReconnection: false, isAuthFixed: false },
      ...{
        state: page === 'problem' ? 'failed' : 'open',
        hasTokens: false,
        returnUrl: 'https://app.example/',
      },
      failure:
        page === 'problem'
          ? { code: 'Unauthorized', message: 'Example Desk refused the token. It may have been revoked.' }
          : null,
      identity: { settings: {}, externalAccount: '1', label: 'Acme Ltd (acme.desk.example)' },
      finding: {
        proves: 'the token reads tickets and users',
        facts: {},
        without: page === 'done' ? ['Satisfaction ratings'] : [],
      },
    },
  }
  if (page === 'choose') return choosePage(view)
  if (page === 'test') return testingPage(view, true)
  if (page === 'done') return donePage(view)
  if (page === 'expired') return expiredPage(view)
  const errors =
    page === 'problem' ? new Map([['token', 'At least 8 characters.']]) : new Map<string, string>()
  return setupPage({ ...view, method: token, filled: { given: { settings: {}, secrets: {} }, errors } })
}

export interface SampleOptions {
  readonly styleUrl: string
  /** Preferred ones, best first. */
  readonly languages: readonly string[]
}
