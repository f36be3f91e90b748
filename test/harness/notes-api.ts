/** The API with the notes provider and one connection to it, made through the API. */
import { newId } from '../../platform/new-id.ts'
import type { Provider } from '../../providers/contract.ts'
import { startTestApi, until, type ApiAnswer, type ApiWish, type TestApi } from './api.ts'
import { startNotesProvider, type NotesProvider } from './notes-provider.ts'

export interface NotesApi {
  readonly api: TestApi
  readonly notes: NotesProvider
  readonly connectionId: string
  /** The path of the connection. */
  readonly base: string
  /** Another connection to the notes. */
  connect(name: string): Promise<string>
  /** Syncs the connection to its end. */
  sync(): Promise<void>
  post(path: string, body?: unknown, headers?: ApiWish['headers']): Promise<ApiAnswer>
  /** A POST with a new idempotency key, waited for. */
  once(path: string, body: unknown, headers?: ApiWish['headers']): Promise<ApiAnswer>
  get(path: string): Promise<ApiAnswer>
  close(): Promise<void>
}

/** @param changed the notes provider with other reports or limits. */
export async function startNotesApi(
  changed: (provider: Provider) => Provider = (provider) => provider,
): Promise<NotesApi> {
  const notes = await startNotesProvider()
  const { originMap } = notes
  const provider = changed(notes.provider)
  const api = await startTestApi({ more: { providers: [provider], originMap, variables: {} } })
  const connect = async (name: string): Promise<string> => {
    const body = { provider: provider.slug, name, secrets: { token: 'good-token' } }
    const made = await api.request('POST', '/admin/v1/connections', { body })
    if (made.status !== 201) throw new Error(`no connection: ${JSON.stringify(made.body)}`)
    return (made.body as { connectionId: string }).connectionId
  }
  const connectionId = await connect('Notes')
  const post: NotesApi['post'] = (path, body, headers = {}) =>
    api.request('POST', path, { headers, ...(body === undefined ? {} : { body }) })
  return {
    api,
    notes,
    connectionId,
    base: `/admin/v1/connections/${connectionId}`,
    connect,
    sync: () => sync(api, connectionId),
    post,
    once: (path, body, headers = {}) =>
      post(path, body, { 'Idempotency-Key': newId('request'), Prefer: 'wait=20', ...headers }),
    get: (path) => api.request('GET', path),
    close: async () => {
      await endAutomations(api)
      await api.close()
      await notes.close()
    },
  }
}

async function sync(api: TestApi, connectionId: string): Promise<void> {
  const started = await api.request('POST', '/admin/v1/runs', { body: { connectionId } })
  if (started.status !== 202) throw new Error(`no run: ${JSON.stringify(started.body)}`)
  const { runId } = started.body as { runId: string }
  await until(
    async () => (await api.request('GET', `/admin/v1/runs/${runId}`)).body as { endedAt: string | null },
    ({ endedAt }) => endedAt !== null,
  )
}

/** The Temporal server outlives this file: no schedule and no dispatcher stays behind. */
async function endAutomations(api: TestApi): Promise<void> {
  const { body } = await api.request('GET', '/admin/v1/automations?limit=200')
  for (const { automationId } of (body as { items: { automationId: string }[] }).items)
    await api.request('DELETE', `/admin/v1/automations/${automationId}`)
  await api.hub.temporal.client.workflow
    .getHandle(`dispatch-events:${api.hub.taskQueue}`)
    .terminate()
    .catch(() => undefined)
}
