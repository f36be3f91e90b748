/** A provider with shelves: two resources, one of them safe to write, and a server that can be told to refuse what it likes. */
import type { JsonObject } from '../../model/json.ts'
import type { AuthMethod, Provider, ProviderContext, Resource, Row } from '../../providers/contract.ts'
import { tinybooks } from './oauth-provider.ts'
import { startTinyProvider, type TinyAnswer, type TinyRequest } from './tiny-provider.ts'

/** What the server does from now on. */
export interface ShelfMood {
  /** Statuses by "<method> <path>", without what comes after the second part: `GET /drawers`. */
  refuse: Record<string, number>
  /** Writes are done, and their answers get lost. */
  losesAnswers: boolean
}

export interface ShelfProvider {
  readonly provider: Provider
  readonly originMap: Readonly<Record<string, string>>
  readonly things: Map<string, JsonObject>
  readonly requests: readonly TinyRequest[]
  readonly mood: ShelfMood
  close(): Promise<void>
}

const origin = 'https://api.shelf.example'

const field = (name: string, secret: boolean) => ({
  name,
  label: name,
  help: 'Of the shelf.',
  secret,
  required: secret,
  pattern: '^.+$',
  patternHint: 'any text',
})

const token: AuthMethod = {
  kind: 'token',
  name: 'token',
  title: 'Token',
  setup: [{ title: 'Token', text: 'Copy it.', fields: [field('token', true), field('host', false)] }],
  headers: (secrets) => ({ authorization: `Bearer ${secrets['token'] ?? ''}` }),
}

export async function startShelfProvider(): Promise<ShelfProvider> {
  const tiny = await startTinyProvider()
  const kept = new Map<string, JsonObject>()
  const made = new Map<string, JsonObject & { id: string }>()
  const mood: ShelfMood = { refuse: {}, losesAnswers: false }
  const answer = ({ method, path, body }: TinyRequest): TinyAnswer => {
    const [, kind = '', id = ''] = new URL(path, 'http://x').pathname.split('/')
    const status = mood.refuse[`${method} /${kind}`]
    if (status !== undefined) return { status, body: { error: 'refused' } }
    if (method === 'DELETE') return { body: { gone: kept.delete(id) } }
    if (method !== 'POST') return { body: { rows: kind === 'things' ? [...kept.values()] : [] } }
    const { key, ...fields } = body as JsonObject & { key: string }
    const known = made.get(key) ?? { ...fields, id: `t${made.size + 1}` }
    made.set(key, known)
    kept.set(known.id, known)
    return mood.losesAnswers ? { status: 503 } : { body: known }
  }
  tiny.answer(answer)
  const [oauth] = tinybooks.auth
  return {
    originMap: {
      [origin]: Object.values(tiny.originMap)[0] ?? '',
      'https://lost.shelf.example': 'http://lost.shelf.invalid',
    },
    things: kept,
    requests: tiny.requests,
    mood,
    close: () => tiny.close(),
    provider: {
      ...tiny.provider,
      slug: 'shelf',
      name: 'Shelf',
      auth: [token, oauth],
      baseUrl: ({ host }) => (host === undefined ? origin : `https://${host}.shelf.example`),
      resources: [things, resourceOf('drawers', 'invoice')],
    },
  }
}

async function readPage({ call, now }: ProviderContext, name: string, next: JsonObject) {
  const { body } = await call({ method: 'GET', path: `/${name}`, group: 'all' })
  return { rows: (body as { rows: Row[] }).rows, readAt: now(), next, done: true }
}

const resourceOf = (name: string, model: Resource['model']): Resource => ({
  name,
  title: name,
  model,
  after: [],
  incremental: false,
  deletions: 'scan',
  schema: { type: 'object' },
  volatile: [],
  start: () => ({ page: 0 }),
  readPage: (context, position) => readPage(context, name, position),
  externalId: (row) => String(row['id']),
  updatedAt: () => undefined,
  getMany: async (context, ids) => {
    const { rows, readAt } = await readPage(context, name, {})
    return { rows: rows.filter((row) => ids.includes(String(row['id']))), readAt }
  },
  mapping: { model, rules: [{ to: 'id', from: 'id' }] },
})

const things: Resource = {
  ...resourceOf('things', 'customer'),
  write: {
    create: async ({ call, now }, fields, key) => {
      // Not repeated by the transport: what gets lost is the test's to find again.
      const { body } = await call({ method: 'POST', path: '/things', group: 'all', body: { ...fields, key } })
      return { row: body as Row, readAt: now() }
    },
    remove: async ({ call }, id) => {
      await call({ method: 'DELETE', path: `/things/${id}`, group: 'all', repeatable: true })
      return undefined
    },
    mapping: { model: 'customer', rules: [{ to: 'title', from: 'name' }] },
    example: { create: { name: 'Thing #' }, change: { name: 'Other' } },
  },
}
