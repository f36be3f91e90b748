/** Steering the sandbox over HTTP: `/_sandbox/health`, `/_sandbox/chaos`, `/_sandbox/<slug>/{edits,state,secrets,limits}`. */
import { isJsonObject, type JsonObject } from '../model/json.ts'
import type { ChaosSettings } from './chaos.ts'
import type { Edit, EditWish, SimulatorReply } from './kit.ts'

/** Steers a sandbox from within its process; over HTTP the same stands under `/_sandbox`. */
export interface Control {
  edit(slug: string, wish: EditWish): Edit[]
  state(slug: string, resource: string): Record<string, JsonObject>
  /** Ends the edits that happen while pages are read. */
  settle(slug: string): void
  chaos(settings: Partial<ChaosSettings>): ChaosSettings
  setSecrets(slug: string, secrets: Readonly<Record<string, string>>): void
  setLimits(slug: string, limits: Readonly<Record<string, number>>): void
  /** Calls of providers' paths since the start. */
  calls(): number
  knows(slug: string): boolean
}

const bad = (message: string): SimulatorReply => ({ status: 400, body: { error: message } })

export function steer(control: Control, method: string, url: URL, body: unknown): SimulatorReply {
  const [first = '', second] = url.pathname.replace('/_sandbox/', '').split('/')
  const given = isJsonObject(body) ? body : undefined
  if (first === 'health') return { status: 200, body: { ok: true, calls: control.calls() } }
  if (first === 'chaos') return chaos(control, method, given)
  if (!control.knows(first)) return { status: 404, body: { error: `the sandbox has no "${first}"` } }
  if (second === 'state' && method === 'GET')
    return { status: 200, body: control.state(first, url.searchParams.get('resource') ?? '') }
  if (method !== 'POST' || !given)
    return bad('send a JSON object by POST to edits, secrets or limits, or GET state?resource=…')
  if (second === 'edits') return edits(control, first, given)
  if (second === 'secrets' && every(given, 'string')) {
    control.setSecrets(first, given as Record<string, string>)
    return { status: 200, body: { ok: true } }
  }
  if (second === 'limits' && every(given, 'number')) {
    control.setLimits(first, given as Record<string, number>)
    return { status: 200, body: { ok: true } }
  }
  return bad(`"${second ?? ''}" with this body is not known`)
}

const every = (object: JsonObject, type: string): boolean =>
  Object.values(object).every((value) => typeof value === type)

function edits(control: Control, slug: string, given: JsonObject): SimulatorReply {
  const { resource, ...numbers } = given
  const known = ['create', 'update', 'delete']
  const wrong = Object.entries(numbers).find(
    ([name, value]) => !known.includes(name) || typeof value !== 'number' || value < 0 || value > 10_000,
  )
  if (wrong || (resource !== undefined && typeof resource !== 'string'))
    return bad('edits takes {"resource", "create", "update", "delete"}; numbers up to 10,000')
  const made = control.edit(slug, given as EditWish)
  return {
    status: 200,
    body: { edits: made.map((edit): JsonObject => ({ ...edit, fields: [...edit.fields] })) },
  }
}

function chaos(control: Control, method: string, given: JsonObject | undefined): SimulatorReply {
  if (method !== 'GET' && (!given || !every(given, 'number')))
    return bad(
      'chaos takes numbers: seed, rate429, rate5xx, slowRate, slowMs, cutRate, htmlRate, driftRate, forCalls',
    )
  return { status: 200, body: { ...control.chaos((given ?? {}) as Partial<ChaosSettings>) } }
}
