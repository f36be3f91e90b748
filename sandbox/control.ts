/**
 * Steering the sandbox over HTTP, for people and tests:
 * `GET /_sandbox/health` · `GET|POST /_sandbox/chaos`, `/_sandbox/<slug>/chaos` for one provider · `POST /_sandbox/clock {"advanceMs"}` · for a provider
 * `POST /_sandbox/<slug>/edits` (`{"update": 5}`, or one by name: `{"resource", "id", "fields"}`), `GET …/state?resource=tickets`,
 * `POST …/secrets` (also `…/token`), `POST …/limits`, `POST …/settle`.
 */
import { isJsonObject, type JsonObject } from '../model/json.ts'
import { noChaos, type ChaosSettings } from './chaos.ts'
import type { Edit, EditWish, ExactEdit, SimulatorReply } from './kit.ts'

/** Steers a sandbox from within its process; over HTTP the same stands under `/_sandbox`. */
export interface Control {
  edit(slug: string, wish: EditWish): Edit[]
  editExactly(slug: string, edit: ExactEdit): Edit | undefined
  /** What is alive, id → object: the truth to compare a store with. */
  state(slug: string, resource: string): Record<string, JsonObject>
  /** Ends the edits that happen while pages are read. */
  settle(slug: string): void
  /** Sets what is named and begins anew from the seed; without settings it only answers them. */
  chaos(settings?: Partial<ChaosSettings>): ChaosSettings
  /** The same for one provider alone. */
  chaosOf(slug: string, settings?: Partial<ChaosSettings>): ChaosSettings
  /** Replaces the secrets that are accepted; what is left out is as the sample has it. */
  setSecrets(slug: string, secrets: Readonly<Record<string, string>>): void
  setLimits(slug: string, limits: Readonly<Record<string, number>>): void
  /** Moves the sandbox's clock forward. */
  advance(ms: number): Date
  /** Calls of providers' paths since the start. */
  calls(): number
  slugs(): string[]
  knows(slug: string): boolean
}

const bad = (message: string): SimulatorReply => ({ status: 400, body: { error: message } })
const ok = (body: JsonObject = { ok: true }): SimulatorReply => ({ status: 200, body })

export function steer(control: Control, method: string, url: URL, body: unknown): SimulatorReply {
  const [first = '', second = ''] = url.pathname.replace(/^\/_sandbox\/?|^\//, '').split('/')
  const given = isJsonObject(body) ? body : undefined
  if (first === '') return ok(overview(control))
  if (first === 'health') return ok({ ok: true, calls: control.calls() })
  if (first === 'chaos') return chaos((settings) => control.chaos(settings), method, given)
  if (first === 'clock') return clock(control, given)
  if (!control.knows(first)) return { status: 404, body: { error: `the sandbox has no "${first}"` } }
  if (second === 'chaos') return chaos((settings) => control.chaosOf(first, settings), method, given)
  if (method === 'GET' && second === 'state')
    return ok(control.state(first, url.searchParams.get('resource') ?? ''))
  if (method !== 'POST')
    return bad('send a JSON object by POST to edits, secrets, limits or settle, or GET state?resource=…')
  return steerProvider(control, first, second, given ?? {})
}

function steerProvider(control: Control, slug: string, what: string, given: JsonObject): SimulatorReply {
  if (what === 'edits') return 'id' in given ? exactEdit(control, slug, given) : edits(control, slug, given)
  if (what === 'settle') {
    control.settle(slug)
    return ok()
  }
  if ((what === 'secrets' || what === 'token') && isAll(given, 'string')) {
    control.setSecrets(slug, given)
    return ok()
  }
  if (what === 'limits' && isAll(given, 'number')) {
    control.setLimits(slug, given)
    return ok()
  }
  return bad(`"${what}" with this body is not known`)
}

const overview = (control: Control): JsonObject => ({
  sandbox: 'Simulated providers. Each answers under /<slug>/<its own path>.',
  providers: control.slugs(),
  calls: control.calls(),
  steer: [
    'GET  /_sandbox/health',
    'GET  /_sandbox/<slug>/state?resource=…',
    'POST /_sandbox/<slug>/edits {"resource": "…", "create": 1, "update": 5, "delete": 1, "touch": 0}',
    'POST /_sandbox/<slug>/edits {"resource": "…", "id": "…", "fields": {…}} or {…, "delete": true}',
    'POST /_sandbox/<slug>/secrets, /limits, /settle',
    `POST /_sandbox/chaos {${Object.keys(noChaos).join(', ')}}`,
    'POST /_sandbox/<slug>/chaos: the same for one provider',
    'POST /_sandbox/clock {"advanceMs": 60000}',
  ],
})

type Kinds = { string: string; number: number }

const isAll = <K extends keyof Kinds>(object: JsonObject, type: K): object is Record<string, Kinds[K]> =>
  Object.values(object).every((value) => typeof value === type)

const toJson = (edit: Edit): JsonObject => ({ ...edit, fields: [...edit.fields] })

const counts = ['create', 'update', 'delete', 'touch'] as const

function edits(control: Control, slug: string, given: JsonObject): SimulatorReply {
  const { resource, ...numbers } = given
  const isWrong = Object.entries(numbers).some(
    ([name, value]) => !counts.some((one) => one === name) || !isCount(value),
  )
  if (isWrong || (resource !== undefined && typeof resource !== 'string'))
    return bad('edits takes {"resource", "create", "update", "delete", "touch"}; whole numbers up to 10,000')
  const numberOf = (name: (typeof counts)[number]): number => (isCount(numbers[name]) ? numbers[name] : 0)
  const wish: EditWish = {
    ...(resource === undefined ? {} : { resource }),
    create: numberOf('create'),
    update: numberOf('update'),
    delete: numberOf('delete'),
    touch: numberOf('touch'),
  }
  return ok({ edits: control.edit(slug, wish).map(toJson) })
}

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 10_000

function exactEdit(control: Control, slug: string, given: JsonObject): SimulatorReply {
  const { resource, id, fields, delete: ends } = given
  const isKnown = typeof resource === 'string' && (typeof id === 'string' || typeof id === 'number')
  if (!isKnown || (fields === undefined) === (ends === undefined))
    return bad('one edit takes {"resource", "id", "fields": {…}} or {"resource", "id", "delete": true}')
  if (fields !== undefined && !isJsonObject(fields)) return bad('"fields" is an object')
  const edit = control.editExactly(slug, {
    resource,
    id: String(id),
    ...(fields === undefined ? {} : { fields }),
    ...(ends === true ? { delete: true } : {}),
  })
  return edit
    ? ok({ edits: [toJson(edit)] })
    : { status: 404, body: { error: `there is no ${resource} ${String(id)}` } }
}

function chaos(
  turn: (settings?: Partial<ChaosSettings>) => ChaosSettings,
  method: string,
  given: JsonObject | undefined,
): SimulatorReply {
  if (method === 'GET') return ok({ ...turn() })
  const isFitting = given && isAll(given, 'number') && Object.keys(given).every((name) => name in noChaos)
  if (!isFitting) return bad(`chaos takes numbers: ${Object.keys(noChaos).join(', ')}`)
  return ok({ ...turn(given) })
}

function clock(control: Control, given: JsonObject | undefined): SimulatorReply {
  const { advanceMs = 0 } = given ?? {}
  if (typeof advanceMs !== 'number' || advanceMs < 0) return bad('clock takes {"advanceMs"}, 0 or more')
  return ok({ now: control.advance(advanceMs).toISOString() })
}
