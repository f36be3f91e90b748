/** An example of what a schema describes, made of the examples of its parts; what has none gets a value that its name suggests. */

type Tree = Readonly<Record<string, unknown>>
const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const time = '2026-11-23T20:00:00.000Z'

/** By name of a property. */
const texts: Readonly<Record<string, string>> = {
  name: 'Acme support',
  partnerName: 'Acme',
  title: 'Tickets',
  description: 'What Acme is told',
  summary: 'Printer on fire',
  subject: 'Printer on fire',
  url: 'https://partner.example/webhooks',
  auth: 'api-token',
  resource: 'tickets',
  model: 'ticket',
  externalId: '35436',
  startedBy: 'key:key_01KAT0000000000000000000AA',
  createdBy: 'key:key_01KAT0000000000000000000AA',
  actor: 'key:key_01KAT0000000000000000000AA',
  action: 'connection.paused',
  type: 'ticket.updated',
  email: 'ana@customer.example',
  status: 'open',
  priority: 'high',
  currency: 'EUR',
  path: '/api/v2/tickets',
  method: 'GET',
  host: 'acme.example',
  hint: 'x7Qd',
  key: 'subdomain',
  field: 'subject',
  to: 'subject',
  from: 'subject',
  message: 'The provider does not answer.',
  text: 'Open the page and copy the token.',
  detail: 'should be one of acc_00000000000000000000000000',
  reason: 'subject is missing',
  label: 'Subdomain',
  help: 'What stands before the domain',
  fullName: 'support.create_ticket',
  apiVersion: 'v2',
  jws: 'eyJhbGciOiJFZERTQSJ9.eyJydW4iOiJydW5fMDEifQ.c2lnbmF0dXJl',
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  fingerprint: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  hash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
}

/** Patterns that no example says how to meet. */
const ofPatterns: readonly (readonly [RegExp, string])[] = [
  [/^\^?sync-many/, 'sync-many:all:2026-11-23T20:00:00.000Z'],
  [/sync-many:/, 'sync-many:all:2026-11-23T20:00:00.000Z'],
  [/\[A-Z\]\{3\}/, 'EUR'],
]

export class Sampler {
  readonly #root: Tree

  constructor(root: Tree) {
    this.#root = root
  }

  /** @param name of the property that it is the value of. */
  of(schema: unknown, name = '', depth = 0): unknown {
    if (!isTree(schema)) return {}
    const $ref = schema['$ref']
    if (typeof $ref === 'string')
      return this.of({ ...this.#at($ref), ...schema, $ref: undefined }, name, depth)
    if ('example' in schema) return schema['example']
    if (Array.isArray(schema['examples']) && schema['examples'].length > 0) return schema['examples'][0]
    if ('const' in schema) return schema['const']
    if (Array.isArray(schema['enum'])) return schema['enum'][0]
    if (Array.isArray(schema['allOf'])) return this.#all([schema, ...(schema['allOf'] as unknown[])], depth)
    const either = schema['oneOf'] ?? schema['anyOf']
    if (Array.isArray(either) && !('properties' in schema))
      return this.of(this.#telling(either, depth), name, depth)
    return this.#typed(schema, name, depth)
  }

  #at(reference: string): Tree {
    let found: unknown = this.#root
    for (const key of reference.slice(2).split('/')) found = isTree(found) ? found[key] : undefined
    return isTree(found) ? found : {}
  }

  /** Deep inside, what may be null is. */
  #telling(either: readonly unknown[], depth: number): unknown {
    const nothing = either.find((one) => isTree(one) && one['type'] === 'null')
    return depth > 3 && nothing !== undefined ? nothing : either[0]
  }

  #all(parts: readonly unknown[], depth: number): unknown {
    const whole: Record<string, unknown> = {}
    for (const part of parts) {
      const own = isTree(part) ? { ...part, allOf: undefined } : part
      const made = this.of(own, '', depth)
      if (isTree(made)) Object.assign(whole, made)
    }
    return whole
  }

  #typed(schema: Tree, name: string, depth: number): unknown {
    const types = [schema['type']].flat()
    const type = types.find((one) => one !== 'null')
    if (type === undefined && types.includes('null')) return null
    if ('default' in schema) return schema['default']
    if (type === 'integer' || type === 'number') return Math.max(Number(schema['minimum'] ?? 1), 1)
    if (type === 'boolean') return true
    if (type === 'array') return this.#array(schema, name, depth)
    if (type === 'string') return text(schema, name)
    return this.#object(schema, depth)
  }

  #array(schema: Tree, name: string, depth: number): unknown {
    if (depth > 5 && !schema['minItems']) return []
    return [this.of(schema['items'], name.replace(/s$/, ''), depth + 1)]
  }

  #object(schema: Tree, depth: number): Tree {
    const properties = isTree(schema['properties']) ? schema['properties'] : {}
    const required = Array.isArray(schema['required']) ? (schema['required'] as string[]) : []
    // Of a model with twenty fields a few are enough; what must be there always is.
    const shown = Object.keys(properties).filter((name) => required.includes(name))
    const more = Object.keys(properties).filter(
      (name) => !shown.includes(name) && name !== 'zones' && name !== 'custom',
    )
    const names = [...shown, ...more.slice(0, shown.length > 4 ? 0 : 4)]
    return Object.fromEntries(names.map((name) => [name, this.of(properties[name], name, depth + 1)]))
  }
}

function text(schema: Tree, name: string): string {
  const pattern = typeof schema['pattern'] === 'string' ? schema['pattern'] : ''
  const format = schema['format']
  if (format === 'date-time') return time
  if (format === 'date') return '2026-11-23'
  if (format === 'uri') return texts['url'] ?? ''
  if (format === 'email') return texts['email'] ?? ''
  const known = texts[name]
  if (known !== undefined && (pattern === '' || new RegExp(pattern).test(known))) return known
  for (const [like, example] of ofPatterns) if (like.test(pattern)) return example
  const guess = name === '' ? 'text' : name
  return pattern === '' || new RegExp(pattern).test(guess) ? guess : 'x'
}
