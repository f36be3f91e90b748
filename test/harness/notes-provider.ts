/** A provider that keeps notes: small enough to script, with all that a write needs. Real HTTP behind it. */
import type { JsonObject } from '../../model/json.ts'
import type { AuthMethod, Provider, ProviderContext, Row } from '../../providers/contract.ts'
import { notesWebhooks } from './notes-webhooks.ts'
import { startTinyProvider, type TinyProvider, type TinyRequest } from './tiny-provider.ts'

export interface Note extends JsonObject {
  id: string
  version: number
  updatedAt: string
  title: string
  body: string
  owner: string
}

export interface NotesProvider {
  readonly provider: Provider
  readonly originMap: Readonly<Record<string, string>>
  readonly notes: Map<string, Note>
  readonly requests: readonly TinyRequest[]
  /** Changes a note as somebody at the provider would. */
  edit(id: string, change: Partial<Note>): void
  /** How many answers to writes get lost from now on: the write is done, the connection breaks. */
  loseAnswers(count: number): void
  /** Ids of notes whose writes are refused. */
  readonly refused: Set<string>
  /** Webhooks that stand at the provider; one called `refuse` has it refuse all that concerns them. */
  readonly subscribed: Map<string, JsonObject>
  /** Any answer that would hold this note is refused from now on. */
  refuseReading(id: string): void
  close(): Promise<void>
}

const origin = 'https://api.notes.example'

const auth: AuthMethod = {
  kind: 'token',
  name: 'token',
  title: 'Token',
  setup: [
    {
      title: 'Token',
      text: 'Copy it.',
      fields: [
        {
          name: 'token',
          label: 'Token',
          help: 'Of the notes.',
          secret: true,
          required: true,
          pattern: '^.+$',
          patternHint: 'any text',
        },
      ],
    },
  ],
  headers: (secrets) => ({ authorization: `Bearer ${secrets['token'] ?? ''}` }),
}

export async function startNotesProvider(): Promise<NotesProvider> {
  const tiny = await startTinyProvider()
  const notes = new Map<string, Note>()
  const answered = new Map<string, unknown>()
  const refused = new Set<string>()
  const subscribed = new Map<string, JsonObject>()
  let subscriptions = 0
  const unreadable = new Set<string>()
  let lose = 0
  let next = 1
  const touch = (note: Note, change: Partial<Note>): Note => {
    const changed = { ...note, ...change, version: note.version + 1, updatedAt: new Date().toISOString() }
    notes.set(note.id, changed)
    return changed
  }
  const write = (request: TinyRequest): { status: number; body: unknown } => {
    const { key, expected, ...fields } = request.body as JsonObject
    const id = /\/notes\/(\w+)/.exec(request.path)?.[1]
    if (typeof key === 'string' && answered.has(key)) return { status: 200, body: answered.get(key) }
    if ((id !== undefined && refused.has(id)) || fields['title'] === 'refuse me')
      return { status: 422, body: { error: 'refused' } }
    const known = id === undefined ? undefined : notes.get(id)
    if (id !== undefined && !known) return { status: 404, body: { error: 'gone' } }
    if (known && typeof expected === 'number' && expected !== known.version)
      return { status: 409, body: { error: 'stale' } }
    let body: unknown = {}
    if (request.method === 'DELETE') notes.delete(id ?? '')
    else {
      const empty: Note = {
        id: id ?? `n${next++}`,
        version: 0,
        updatedAt: '',
        title: '',
        body: '',
        owner: '',
      }
      body = touch(known ?? empty, fields)
    }
    if (typeof key === 'string') answered.set(key, body)
    return { status: 200, body }
  }
  /** Webhooks at the provider: listed, made, removed. */
  const hooks = ({ method, path, body }: TinyRequest): { status: number; body: unknown } => {
    if (subscribed.has('refuse')) return { status: 403, body: { error: 'not allowed' } }
    const id = /\/hooks\/(\w+)/.exec(path)?.[1]
    if (method === 'DELETE') subscribed.delete(id ?? '')
    if (method !== 'POST') return { status: 200, body: { hooks: [...subscribed.values()] } }
    const made = { ...(body as JsonObject), id: `w${++subscriptions}`, active: true }
    subscribed.set(made.id, made)
    return { status: 200, body: made }
  }
  tiny.answer((request) => {
    if (request.path.startsWith('/hooks')) return hooks(request)
    if (request.method === 'GET') {
      const ids = new URL(request.path, 'http://x').searchParams.get('ids')?.split(',') ?? [...notes.keys()]
      if (ids.some((id) => unreadable.has(id))) return { status: 422, body: { error: 'cannot be read' } }
      return { body: { notes: ids.flatMap((id) => notes.get(id) ?? []) } }
    }
    const answer = write(request)
    if (lose > 0 && answer.status === 200) {
      lose--
      return { status: 503, body: { error: 'lost' } }
    }
    return answer
  })
  return {
    provider: providerOn(tiny),
    // Its own, so that a hub can know it beside the tiny provider.
    originMap: { [origin]: Object.values(tiny.originMap)[0] ?? '' },
    notes,
    requests: tiny.requests,
    edit: (id, change) => {
      const note = notes.get(id)
      if (note) touch(note, change)
    },
    loseAnswers: (count) => {
      lose = count
    },
    refused,
    subscribed,
    refuseReading: (id) => void unreadable.add(id),
    close: () => tiny.close(),
  }
}

async function read({ call, now }: ProviderContext, ids?: readonly string[]) {
  const query = ids ? { ids: ids.join(',') } : {}
  const { body } = await call({ method: 'GET', path: '/notes', query, group: 'all' })
  return { rows: (body as { notes: Row[] }).notes, readAt: now() }
}

const text = { type: 'string' }

function providerOn(tiny: TinyProvider): Provider {
  const send = async (
    { call, now }: ProviderContext,
    method: 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body: JsonObject,
  ) => {
    const answer = await call({ method, path, body, group: 'all', repeatable: true })
    return { row: answer.body as Row, readAt: now() }
  }
  return {
    ...tiny.provider,
    slug: 'notes',
    name: 'Notes',
    baseUrl: () => origin,
    webhooks: notesWebhooks,
    auth: [auth],
    resources: [
      {
        name: 'notes',
        title: 'Notes',
        model: 'ticket',
        after: [],
        incremental: false,
        deletions: 'scan',
        schema: { type: 'object', required: ['id', 'title'], properties: { id: text, title: text } },
        volatile: [],
        start: () => ({ page: 0 }),
        readPage: async (context, position) => ({ ...(await read(context)), next: position, done: true }),
        externalId: (row) => String(row['id']),
        updatedAt: (row) => String(row['updatedAt']),
        getMany: (context, ids) => read(context, ids),
        mapping: {
          model: 'ticket',
          rules: [
            { to: 'id', from: 'id' },
            { to: 'subject', from: 'title' },
            { to: 'description', from: 'body' },
            { to: 'assigneeId', from: 'owner' },
          ],
        },
        describe: async () => [
          { path: 'title', title: 'Title', type: 'text', isCustom: false, isWritable: true },
          { path: 'owner', title: 'Owner', type: 'text', isCustom: true, isWritable: true },
        ],
        write: {
          create: (context, fields, key) => send(context, 'POST', '/notes', { ...fields, key }),
          update: (context, id, fields, current, key) =>
            send(context, 'PATCH', `/notes/${id}`, { ...fields, key, expected: Number(current['version']) }),
          remove: async (context, id, _current, key) =>
            void (await send(context, 'DELETE', `/notes/${id}`, { key })),
          mapping: {
            model: 'ticket',
            rules: [
              { to: 'title', from: 'subject' },
              { to: 'body', from: 'description' },
              { to: 'owner', from: 'assigneeId' },
            ],
          },
        },
      },
    ],
  }
}
