/** Webhooks of the notes: signed, several events in one body; with `row`, or by id only. */
import { createHmac } from 'node:crypto'
import type { HookEvent, Webhooks } from '../../providers/contract-webhook.ts'
import { momentOf, objectOf, objectsIn, textIn } from '../../providers/hooks/parse.ts'
import { checkSignature, onlyHeader } from '../../providers/hooks/verify.ts'
import { HubError } from '../../platform/errors.ts'
import { isJsonObject, type JsonObject } from '../../model/json.ts'

const header = 'x-notes-signature'
const hex = { algorithm: 'sha256', encoding: 'hex' } as const

export interface NoteEvent extends JsonObject {
  /** Of the event, the same at each delivery. */
  id: string
  type: string
  note: string
}

function eventOf(body: JsonObject): HookEvent {
  const type = textIn(body, 'type') ?? ''
  const tenant = textIn(body, 'workspace')
  const occurredAt = momentOf(body['at'])
  const row = isJsonObject(body['row']) ? body['row'] : undefined
  const about = { 'note.changed': 'changed', 'note.deleted': 'deleted', ping: 'notice' } as const
  return {
    key: textIn(body, 'id') ?? '',
    type,
    about: about[type as keyof typeof about] ?? 'unknown',
    ...(tenant === undefined ? {} : { tenant }),
    ...(occurredAt ? { occurredAt } : {}),
    ...(type.startsWith('note.') ? { resource: 'notes', externalId: textIn(body, 'note') ?? '' } : {}),
    ...(row ? { row } : {}),
    payload: body,
  }
}

export const notesWebhooks: Webhooks = {
  scope: 'connection',
  secrets: [{ name: 'secret', title: 'Secret', help: 'Of the notes.', madeBy: 'hub' }],
  tenantSetting: 'workspace',
  contentTypes: ['application/json'],
  maxBytes: 100_000,
  unguessableUrl: false,
  verify(request, secrets) {
    const given = onlyHeader(request, header)
    return typeof given === 'string'
      ? [checkSignature(hex, given, secrets['secret'], [request.body])]
      : [given]
  },
  split: (request) => objectsIn(objectOf(request), 'events').map(eventOf),
  onNotice: async (_context, { payload }) => {
    const told = textIn(payload, 'secret')
    return told === undefined ? undefined : { secrets: { secret: told } }
  },
  subscriptions: {
    topics: ['notes'],
    async list({ call }) {
      const { body } = await call({ method: 'GET', path: '/hooks', group: 'all' })
      return (body as { hooks: { id: string; url: string; active: boolean; topics: string[] }[] }).hooks
    },
    async create({ call }, { url, topics }) {
      const { body } = await call({
        method: 'POST',
        path: '/hooks',
        body: { url, topics: [...topics] },
        group: 'all',
      })
      return { id: (body as { id: string }).id }
    },
    async remove({ call }, id) {
      await call({ method: 'DELETE', path: `/hooks/${id}`, group: 'all', repeatable: true })
    },
  },
  setup: ['Enter {url} and {secret:secret}.'],
  samples: [{ event: 'note.changed', title: 'A note changes', resource: 'notes', effect: 'updated' }],
  sample({ event, externalId, secrets, now, id, tenant }) {
    if (event !== 'note.changed') throw new HubError('InvalidInput', `There is no sample of "${event}".`)
    const one = { id, type: event, note: externalId, at: now.toISOString(), workspace: tenant }
    const body = JSON.stringify({ events: [one] })
    return { method: 'POST', headers: signed(body, secrets['secret'] ?? ''), body }
  },
}

export const signed = (body: string, secret: string): Record<string, string> => ({
  'content-type': 'application/json',
  [header]: createHmac('sha256', secret).update(body).digest('hex'),
})
