/** Automations over the notes provider, made and looked at through the API. */
import type { components } from '../../openapi/types.ts'
import { until, type ApiAnswer } from './api.ts'
import { startNotesApi, type NotesApi } from './notes-api.ts'

type Schemas = components['schemas']
type Automation = Schemas['Automation']
type Run = Schemas['AutomationRun']

export const collection = '/admin/v1/automations'

/** A step that makes a note. */
export const write = (name: string, subject: unknown) => ({
  name,
  connection: 'notes',
  write: { resource: 'notes', operation: 'create', fields: { subject } },
})

export const place = ({ automationId }: Pick<Automation, 'automationId'>): string =>
  `${collection}/${automationId}`

export const runIn = ({ body }: ApiAnswer): Run => body as Run

export interface NotesAutomations {
  readonly hub: NotesApi
  /** One that makes a note when it is started by hand, with `more` in place of its parts. */
  definition(more?: object): object
  create(more?: object): Promise<ApiAnswer>
  made(more?: object): Promise<Automation>
  patch(automation: Automation, body: unknown, headers?: Record<string, string>): Promise<ApiAnswer>
  remove(automation: Automation): Promise<ApiAnswer>
  all(): Promise<Automation[]>
  start(automation: Automation, payload?: object, headers?: Record<string, string>): Promise<ApiAnswer>
  runsOf(automation: Automation): Promise<Run[]>
  /** The run, once it is in this state. */
  reached(automationRunId: string, state: Run['state']): Promise<Run>
  /** Of all notes at the provider. */
  titles(): string[]
}

export async function startNotesAutomations(): Promise<NotesAutomations> {
  const hub = await startNotesApi()
  const definition: NotesAutomations['definition'] = (more = {}) => ({
    connections: { notes: hub.connectionId },
    trigger: { kind: 'manual' },
    steps: [write('first', 'A note')],
    ...more,
  })
  const create: NotesAutomations['create'] = (more) =>
    hub.post(collection, { name: 'A test', definition: definition(more) })
  return {
    hub,
    definition,
    create,
    made: async (more) => {
      const answer = await create(more)
      if (answer.status !== 201) throw new Error(`no automation: ${JSON.stringify(answer.body)}`)
      return answer.body as Automation
    },
    patch: (automation, body, headers = {}) => hub.api.request('PATCH', place(automation), { body, headers }),
    remove: (automation) => hub.api.request('DELETE', place(automation)),
    all: async () => ((await hub.get(`${collection}?limit=200`)).body as Schemas['AutomationList']).items,
    start: (automation, payload = {}, headers = {}) =>
      hub.post(`${place(automation)}/runs`, payload, headers),
    runsOf: async ({ automationId }) => {
      const { body } = await hub.get(`/admin/v1/automation-runs?automationId=${automationId}`)
      return (body as Schemas['AutomationRunList']).items
    },
    reached: (id, state) =>
      until(
        async () => runIn(await hub.get(`/admin/v1/automation-runs/${id}`)),
        (run) => run.state === state,
      ),
    titles: () => [...hub.notes.notes.values()].map(({ title }) => title),
  }
}
