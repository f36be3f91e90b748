/** The files of a new provider. They type-check; the kit says what they lack. */
interface Names {
  readonly slug: string
  readonly name: string
  readonly category: string
  readonly camel: string
}

/** File name → content. */
export function skeleton(names: Names): Readonly<Record<string, string>> {
  return {
    'index.ts': index(names),
    'auth.ts': auth(names),
    'limits.ts': limits,
    'errors.ts': errors,
    'resources.ts': resources,
    'health.ts': health(names),
    'simulator.ts': simulator(names),
    'README.md': `# ${names.name}\n\nWhat the code relies on: every fact with its source and the date it was read. What no source settles is marked (unproven).\n`,
  }
}

const index = ({
  slug,
  name,
  category,
  camel,
}: Names): string => `/** ${name}: everything that the hub knows of it. Facts and sources: README.md. */
import type { Provider } from '../contract.ts'
import { apiKey, baseUrl } from './auth.ts'
import { explainError } from './errors.ts'
import { health } from './health.ts'
import { limits } from './limits.ts'
import { resources } from './resources.ts'

export const ${camel} = {
  slug: '${slug}',
  name: '${name}',
  category: '${category}',
  apiVersion: '1',
  docs: [],
  auth: [apiKey],
  baseUrl,
  limits,
  explainError,
  resources,
  actions: [],
  reports: [],
  health,
} as const satisfies Provider
`

const auth = ({ slug, name }: Names): string => `import type { TokenAuth } from '../contract.ts'

/** How ${name} wants the credential. OAuth: see \`OAuth2Auth\` in the contract. */
export const apiKey: TokenAuth = {
  kind: 'token',
  name: 'api_key',
  title: 'API key',
  setup: [],
  headers: (secrets) => ({ authorization: \`Bearer \${secrets['api_key'] ?? ''}\` }),
}

/** The real origin: code always holds it, the origin map may redirect it. */
export const baseUrl = (): string => 'https://api.${slug}.example'
`

const limits = `import type { Limits } from '../contract.ts'

/** Buckets, and which of them a call of each group takes from. */
export const limits: Limits = { buckets: {}, groups: { all: [] } }
`

const errors = `import type { ProviderFault, ProviderResponse } from '../contract.ts'

/** What the provider's own error bodies say; undefined leaves it to the transport's table by status. */
export function explainError(_response: ProviderResponse): ProviderFault | undefined {
  return undefined
}
`

const resources = `import type { Resource } from '../contract.ts'

/** In the order in which they are read: what others point to first. */
export const resources: readonly Resource[] = []
`

const health = ({ name }: Names): string => `import type { HealthCheck } from '../contract.ts'

/** The cheapest authenticated call, and what its answer proves. */
export const health: HealthCheck = {
  async check({ call }) {
    await call({ method: 'GET', path: '/', group: 'all' })
    return { proves: '${name} answered with the credential attached', facts: {} }
  },
}
`

const simulator = ({
  slug,
  name,
  camel,
}: Names): string => `/** A local ${name}: written from its documentation, not from the connector, so that the two cannot share a misreading. */
import type { Sample, Simulator, World } from '../../sandbox/kit.ts'

const sample: Sample = {
  provider: '${slug}',
  name: '${name} sandbox',
  auth: 'api_key',
  settings: {},
  secrets: { api_key: 'sandbox-${slug}-api-key-0123456789' },
  origins: ['https://api.${slug}.example'],
}

function createWorld(): World {
  let secrets: Readonly<Record<string, string>> = sample.secrets
  return {
    handle: ({ headers }) =>
      headers['authorization'] === \`Bearer \${secrets['api_key'] ?? ''}\`
        ? { status: 404, body: { error: 'not found' } }
        : { status: 401, body: { error: 'unauthorized' } },
    edit: () => [],
    editExactly: () => undefined,
    state: () => ({}),
    settle: () => undefined,
    setSecrets: (next) => {
      secrets = { ...sample.secrets, ...next }
    },
    setLimits: () => undefined,
    replay: () => undefined,
  }
}

export const ${camel}Simulator: Simulator = { slug: '${slug}', sample, defaultSize: {}, refusals: {}, createWorld }
`
