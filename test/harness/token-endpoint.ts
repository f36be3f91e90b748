/** A token endpoint that keeps books: who called, how many at once, which refresh tokens are good. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { OAuth2Auth } from '../../providers/contract.ts'

const origin = 'https://login.ledgerly.example'
export const ledgerlyApp = { clientId: 'ledgerly-app', clientSecret: 'ledgerly-s3cret' }
export const ledgerlyVariables = {
  LEDGERLY_CLIENT_ID: ledgerlyApp.clientId,
  LEDGERLY_CLIENT_SECRET: ledgerlyApp.clientSecret,
}

export const methodThat = (refresh: OAuth2Auth['refresh'], more: Partial<OAuth2Auth> = {}): OAuth2Auth => ({
  kind: 'oauth2',
  name: 'oauth',
  title: 'Sign in with Ledgerly',
  setup: [],
  client: { idVariable: 'LEDGERLY_CLIENT_ID', secretVariable: 'LEDGERLY_CLIENT_SECRET' },
  endpoints: () => ({
    authorize: `${origin}/authorize`,
    token: `${origin}/token`,
    revoke: `${origin}/revoke`,
  }),
  clientAuthentication: 'basic',
  pkce: false,
  scopes: [],
  accessLifetimeSeconds: 3600,
  refresh,
  headers: (secrets) => ({ authorization: `Bearer ${secrets['access_token'] ?? ''}` }),
  identify: async () => ({ settings: {}, externalAccount: 'books', label: 'Books' }),
  ...more,
})

export interface TokenCall {
  readonly path: string
  readonly form: URLSearchParams
  readonly authorization: string
  readonly origin: string
  readonly body: string
}

export interface TokenEndpoint {
  readonly originMap: Readonly<Record<string, string>>
  readonly calls: TokenCall[]
  /** Most calls that were under way at the same moment; one whose caller is gone is under way no more. */
  mostAtOnce(): number
  /** Refresh tokens that are taken. */
  readonly good: Set<string>
  /** Work between the endpoint's books and its answer. */
  beforeAnswer(work: (call: TokenCall, n: number) => Promise<void>): void
  /** Answers this instead. `undefined`: as the books say. */
  instead(
    answer:
      | ((call: TokenCall) => { status: number; body: unknown; headers?: Record<string, string> } | undefined)
      | undefined,
  ): void
  /** How refresh tokens are dealt with. */
  rules: { rotates: 'never' | 'always'; spends: 'at once' | 'never'; expiresIn: number }
  reset(): void
  close(): Promise<void>
}

export async function startTokenEndpoint(): Promise<TokenEndpoint> {
  let issued = 0
  let open = 0
  let most = 0
  let before: (call: TokenCall, n: number) => Promise<void> = async () => undefined
  let instead: Parameters<TokenEndpoint['instead']>[0]
  const calls: TokenCall[] = []
  const good = new Set<string>()
  const rules: TokenEndpoint['rules'] = { rotates: 'always', spends: 'at once', expiresIn: 3600 }

  const answerTo = (call: TokenCall): { status: number; body: unknown; headers?: Record<string, string> } => {
    const own = instead?.(call)
    if (own) return own
    if (call.path === '/revoke') return { status: 200, body: {} }
    const token = call.form.get('refresh_token') ?? ''
    if (!good.has(token))
      return { status: 400, body: { error: 'invalid_grant', error_description: `what is ${token}?` } }
    issued++
    const body = { access_token: `access-${issued}`, token_type: 'Bearer', expires_in: rules.expiresIn }
    if (rules.rotates === 'never') return { status: 200, body }
    if (rules.spends === 'at once') good.delete(token)
    good.add(`refresh-${issued}`)
    return { status: 200, body: { ...body, refresh_token: `refresh-${issued}` } }
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => void chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8')
      const call = {
        path: request.url ?? '',
        form: new URLSearchParams(body),
        authorization: request.headers.authorization ?? '',
        origin: String(request.headers['x-tieline-origin'] ?? ''),
        body,
      }
      calls.push(call)
      open++
      most = Math.max(most, open)
      response.on('close', () => open--)
      const answer = answerTo(call)
      void before(call, calls.length).then(() => send(response, answer))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    originMap: { [origin]: `http://127.0.0.1:${port}` },
    calls,
    mostAtOnce: () => most,
    good,
    beforeAnswer: (work) => void (before = work),
    instead: (answer) => void (instead = answer),
    rules,
    reset: () => {
      calls.length = 0
      good.clear()
      most = open
      before = async () => undefined
      instead = undefined
      Object.assign(rules, { rotates: 'always', spends: 'at once', expiresIn: 3600 })
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function send(
  response: ServerResponse,
  answer: { status: number; body: unknown; headers?: Record<string, string> },
): void {
  if (response.destroyed) return
  response
    .writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers })
    .end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body))
}
