/** The notes provider with webhooks, the real door, a lane. */
import { putHookSettings } from '../../db/hook-settings.ts'
import { inboxEquation, type InboxEquation } from '../../db/inbox.ts'
import { getConnection } from '../../db/connections.ts'
import { createVault } from '../../db/vault.ts'
import type { Provider } from '../../providers/contract.ts'
import { startTestApi, until, type TestApi } from './api.ts'
import { startNotesProvider, type NotesProvider } from './notes-provider.ts'
import { signed, type NoteEvent } from './notes-webhooks.ts'

export const secret = 'notes-secret'

export interface NotesInbox {
  readonly api: TestApi
  readonly notes: NotesProvider
  readonly connectionId: string
  connect(name: string, settings?: Record<string, string>): Promise<string>
  /** Posts to the door of a connection (the first one when left out), correctly signed. */
  post(events: readonly NoteEvent[], connectionId?: string): Promise<Response>
  postRaw(path: string, body: string | Buffer, headers: Record<string, string>): Promise<Response>
  equation(connectionId?: string): Promise<InboxEquation>
  /** Until nothing of the connection waits. */
  settled(connectionId?: string): Promise<InboxEquation>
  record(
    externalId: string,
  ): Promise<{ mapped: Record<string, unknown>; deletedAt: string | null; version: number } | undefined>
  close(): Promise<void>
}

/** @param changed the notes provider with other pages. */
export async function startNotesInbox(
  worker = true,
  changed: (provider: Provider) => Provider = (provider) => provider,
): Promise<NotesInbox> {
  const notes = await startNotesProvider()
  const provider = changed(notes.provider)
  const api = await startTestApi({
    worker,
    more: { providers: [provider], originMap: notes.originMap, variables: {} },
  })
  const { db } = api.database.database
  const vault = createVault(api.hub.ring)
  const connect = async (name: string, settings: Record<string, string> = {}): Promise<string> => {
    const body = { provider: provider.slug, name, settings, secrets: { token: 'good-token' } }
    const made = await api.request('POST', '/admin/v1/connections', { body })
    if (made.status !== 201) throw new Error(`no connection: ${JSON.stringify(made.body)}`)
    const { connectionId } = made.body as { connectionId: string }
    const connection = await getConnection(db, connectionId)
    if (!connection) throw new Error('no connection')
    await putHookSettings(db, vault, connection, { secrets: { secret: [{ value: secret, until: null }] } })
    return connectionId
  }
  const connectionId = await connect('Notes')
  const postRaw: NotesInbox['postRaw'] = (path, body, headers) =>
    fetch(api.url + path, {
      method: 'POST',
      headers,
      body: typeof body === 'string' ? body : new Uint8Array(body),
    })
  const equation = (id = connectionId) => inboxEquation(db, { connectionId: id })
  return {
    api,
    notes,
    connectionId,
    connect,
    post: (events, id = connectionId) => {
      const body = JSON.stringify({ events })
      return postRaw(`/hooks/notes/${id}`, body, signed(body, secret))
    },
    postRaw,
    equation,
    settled: (id) =>
      until(
        () => equation(id),
        ({ waiting }) => waiting === 0,
      ),
    record: async (externalId) => {
      const path = `/admin/v1/connections/${connectionId}/records/notes/${externalId}`
      const { status, body } = await api.request('GET', path)
      return status === 200 ? (body as Awaited<ReturnType<NotesInbox['record']>>) : undefined
    },
    close: async () => {
      await api.deps.waker.close()
      await api.close()
      await notes.close()
    },
  }
}
