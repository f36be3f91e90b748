/** A provider whose API keys can be made and ended by API, and whose OAuth tokens come from the token endpoint of the bench. */
import type { AuthMethod, Provider } from '../../providers/contract.ts'
import { startTinyProvider, type TinyAnswer, type TinyProvider, type TinyRequest } from './tiny-provider.ts'
import { methodThat, startTokenEndpoint, type TokenEndpoint } from './token-endpoint.ts'

export interface MintingProvider {
  readonly provider: Provider
  readonly originMap: Readonly<Record<string, string>>
  readonly tiny: TinyProvider
  readonly endpoint: TokenEndpoint
  /** Key → the name under which it was made. */
  readonly keys: Map<string, string>
  /** Answers this instead, until it is undefined again. */
  instead(answer: ((request: TinyRequest) => TinyAnswer | undefined) | undefined): void
  close(): Promise<void>
}

export const firstKey = 'key-0'
const api = 'https://api.minty.example'

const keyAuth: AuthMethod = {
  kind: 'token',
  name: 'token',
  title: 'Key',
  setup: [],
  headers: (secrets) => ({ authorization: `Bearer ${secrets['token'] ?? ''}` }),
  rotation: {
    /** What an earlier try left under the name is removed. */
    mint: async ({ call }, attempt) => {
      await call({ method: 'DELETE', path: `/names/${attempt}`, group: 'all', repeatable: true })
      const { body } = await call({ method: 'POST', path: '/keys', group: 'all', body: { name: attempt } })
      const { key } = body as { key: string }
      return { secrets: { token: key }, settings: { key_name: attempt } }
    },
    retire: async ({ call }, { secrets }) => {
      const path = `/keys/${secrets['token'] ?? ''}`
      await call({ method: 'DELETE', path, group: 'all', repeatable: true, accept: [404] })
    },
  },
}

export async function startMintingProvider(): Promise<MintingProvider> {
  const tiny = await startTinyProvider()
  const endpoint = await startTokenEndpoint()
  const keys = new Map([[firstKey, 'by hand']])
  let instead: Parameters<MintingProvider['instead']>[0]
  let made = 0
  tiny.answer((request) => {
    const own = instead?.(request)
    if (own) return own
    const bearer = request.authorization?.replace('Bearer ', '') ?? ''
    if (!keys.has(bearer) && !bearer.startsWith('access-')) return { status: 401 }
    if (request.method === 'POST' && request.path === '/keys') {
      const key = `key-${++made}`
      keys.set(key, (request.body as { name: string }).name)
      return { body: { key } }
    }
    const [, kind, name = ''] = /^\/(keys|names)\/(.+)$/.exec(request.path) ?? []
    if (request.method === 'DELETE' && kind === 'keys') return { status: keys.delete(name) ? 200 : 404 }
    if (request.method === 'DELETE' && kind === 'names')
      for (const [key, of] of keys) if (of === name) keys.delete(key)
    return {}
  })
  return {
    provider: {
      ...tiny.provider,
      slug: 'minty',
      name: 'Minty',
      baseUrl: () => api,
      auth: [keyAuth, methodThat({ rotates: 'always', graceSeconds: 0, idleSeconds: 100 * 86_400 })],
    },
    originMap: { [api]: Object.values(tiny.originMap)[0] ?? '', ...endpoint.originMap },
    tiny,
    endpoint,
    keys,
    instead: (answer) => void (instead = answer),
    close: async () => {
      await tiny.close()
      await endpoint.close()
    },
  }
}
