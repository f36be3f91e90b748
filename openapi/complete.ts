/**
 * The last step of `npm run gen:openapi`: adds to the bundled description what follows from the rest of it, so that no operation can lack it:
 * `Idempotency-Key` on every POST, conditional GETs, the problems that may always come, an example of each body. The argument names the bundle.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'
import { problemExample } from './build/problems.ts'
import { Sampler } from './build/sample.ts'

type Tree = Record<string, unknown>
interface Media {
  schema: unknown
  example?: unknown
  examples?: unknown
}
interface Answer {
  $ref?: string
  description?: string
  headers?: Tree
  content?: Record<string, Media>
}
interface Operation {
  operationId: string
  summary: string
  description?: string
  security?: unknown[]
  parameters?: (Tree & { $ref?: string })[]
  requestBody?: { content: Record<string, Media> }
  responses: Record<string, Answer>
  'x-idempotent'?: boolean
  'x-cache-seconds'?: number
}
interface Bundle extends Tree {
  paths: Record<string, Partial<Record<string, Operation>>>
  components: { parameters: Tree; responses: Record<string, Answer>; schemas: Tree }
}

const file = path.resolve(process.argv[2] ?? path.join(import.meta.dirname, 'bundle.json'))
const bundle = JSON.parse(readFileSync(file, 'utf8')) as Bundle
const sampler = new Sampler(bundle)
const parameter = (name: string) => ({ $ref: `#/components/parameters/${name}` })
const answer = (name: string) => ({ $ref: `#/components/responses/${name}` })
/** What the bundle has left out because nothing of it stood in a path by hand. */
for (const kind of ['parameters', 'responses'] as const) {
  const text = readFileSync(path.join(import.meta.dirname, `${kind}.yaml`), 'utf8')
  const known = parse(text.replaceAll(/schemas\/\w+\.yaml#\//g, '#/components/schemas/')) as Record<
    string,
    never
  >
  Object.assign(bundle.components, { [kind]: { ...known, ...bundle.components[kind] } })
}
const has = (operation: Operation, name: string): boolean =>
  (operation.parameters ?? []).some((one) => {
    const resolved = one.$ref ? (bundle.components.parameters[one.$ref.split('/').at(-1) ?? ''] as Tree) : one
    return resolved['name'] === name
  })
const add = (operation: Operation, ...parameters: Tree[]) => {
  operation.parameters = [...(operation.parameters ?? []), ...parameters]
}

for (const [place, item] of Object.entries(bundle.paths)) {
  for (const method of ['get', 'post', 'put', 'patch', 'delete']) {
    const operation = item[method]
    if (!operation) continue
    if (operation.security?.length !== 0) guarded(place, method, operation)
    operation.description ??= `${operation.summary}.`
    exemplify(operation)
    operation.responses = Object.fromEntries(
      Object.entries(operation.responses).sort(([a], [b]) => a.localeCompare(b)),
    )
  }
}
for (const [name, response] of Object.entries(bundle.components.responses)) {
  const media = response.content?.['application/problem+json']
  if (media) media.example ??= problemExample(name)
}
for (const kind of ['parameters', 'responses'] as const) {
  const text = JSON.stringify(bundle)
  for (const name of Object.keys(bundle.components[kind]))
    if (!text.includes(`"#/components/${kind}/${name}"`)) delete bundle.components[kind][name]
}
writeFileSync(file, `${JSON.stringify(bundle, null, 2)}\n`)

function guarded(place: string, method: string, operation: Operation): void {
  const { responses } = operation
  // The codec is called by the Temporal UI, which knows no keys.
  if (method === 'post' && !place.startsWith('/codec/') && !has(operation, 'Idempotency-Key')) {
    add(operation, parameter('idempotencyKey'))
    operation['x-idempotent'] = true
  }
  responses['401'] ??= answer('Unauthenticated')
  responses['403'] ??= answer('NotPermitted')
  responses['429'] ??= answer('TooManyRequests')
  if (has(operation, 'Idempotency-Key')) responses['409'] ??= answer('Conflict')
  if (has(operation, 'If-Match')) responses['412'] ??= answer('PreconditionFailed')
  if (method === 'get') conditional(operation)
}

/** What has an `ETag` can be asked for with the one that is known. */
function conditional(operation: Operation): void {
  const ok = operation.responses['200']
  if (operation['x-cache-seconds'] !== undefined && ok)
    ok.headers = {
      ...ok.headers,
      ETag: { schema: { type: 'string' } },
      'Cache-Control': { schema: { type: 'string' }, description: 'How long it may be kept.' },
    }
  if (!ok?.headers || !('ETag' in ok.headers)) return
  if (!has(operation, 'If-None-Match')) add(operation, parameter('ifNoneMatch'))
  operation.responses['304'] ??= answer('NotModified')
}

function exemplify(operation: Operation): void {
  const bodies = [operation.requestBody, ...Object.values(operation.responses)]
  for (const body of bodies) {
    const media = body?.content?.['application/json']
    if (media && media.example === undefined && media.examples === undefined)
      media.example = sampler.of(media.schema)
  }
}
