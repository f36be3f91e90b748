/** What partners are shown of an answer that was made for admins: nothing that leads into the hub itself. */
import { internalFields } from '../openapi/build/partner-table.ts'
import { HubError } from '../platform/errors.ts'
import type { AnyAnswer, AnyCall } from './call.ts'
import type { ApiDeps } from './deps.ts'
import { ProblemError } from './problem.ts'

type AnyHandler = (deps: ApiDeps, call: AnyCall) => Promise<AnyAnswer>

const internal = new Set(internalFields)
/** What is not the hub's own: data of accounts, schemas of providers. Their fields may be called anything. */
const foreign = new Set([
  ...[
    'mapped',
    'raw',
    'fields',
    'result',
    'input',
    'output',
    'settings',
    'data',
    'payload',
    'headers',
    'body',
  ],
  ...['facts', 'rules', 'definition', 'trigger', 'context', 'steps', 'lastCheck', 'details', 'record'],
])
const inside = /\/admin\/v1\//g

/** A handler of the admin API as one of partners. */
export const forPartners = (handler: unknown): AnyHandler => {
  const handle = handler as AnyHandler
  return async (deps, call) => {
    try {
      const { status, body, headers } = await handle(deps, call)
      return { status, body: shown(body), ...(headers ? { headers: outward(headers) } : {}) }
    } catch (error) {
      throw retold(error)
    }
  }
}

const outward = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replace(inside, '/v1/')]))

/** @param isOurs also what is called like somebody's data is the hub's own. */
function shown(value: unknown, isOurs = false): unknown {
  if (Array.isArray(value)) return value.map((one) => shown(one, isOurs))
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  const seen: Record<string, unknown> = {}
  for (const [name, one] of Object.entries(value)) {
    if (internal.has(name)) continue
    if (name === 'reconnect') seen[name] = reconnect(one)
    else if (name === 'setup') seen[name] = shown(one, true)
    else seen[name] = foreign.has(name) && !isOurs ? one : shown(one, isOurs)
  }
  return seen
}

/** The request that answers a link, as a partner makes it. */
const reconnect = (hint: unknown): unknown =>
  typeof hint === 'object' && hint !== null && 'path' in hint
    ? { ...hint, path: String(hint.path).replace(inside, '/v1/') }
    : hint

/** A failure that names the way that partners go. */
function retold(error: unknown): unknown {
  if (error instanceof ProblemError) {
    const { failure, extras } = error
    const errors = extras.errors?.map((one) => ({ ...one, detail: one.detail.replace(inside, '/v1/') }))
    return new ProblemError(renamed(failure), { ...extras, ...(errors ? { errors } : {}) })
  }
  return error instanceof HubError ? renamed(error) : error
}

function renamed(failure: HubError): HubError {
  if (!failure.message.includes('/admin/v1/')) return failure
  const { code, fields, retryAt, internal: hidden, cause } = failure
  return new HubError(code, failure.message.replace(inside, '/v1/'), {
    ...{ fields, cause },
    ...(retryAt ? { retryAt } : {}),
    ...(hidden === undefined ? {} : { internal: hidden }),
  })
}
