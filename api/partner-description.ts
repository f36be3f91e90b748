/** `/openapi/partner.json`: the part of the description that partners may use, made from the whole when it is first asked for. */
import { readFileSync } from 'node:fs'
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts'
import { description } from './description.ts'

const isForPartners = (path: string): boolean => path.startsWith('/v1/') || path.startsWith('/.well-known/')

const part = (whole: JsonObject, name: string): JsonObject => {
  const value = whole[name]
  return isJsonObject(value) ? value : {}
}

let made: JsonObject | undefined

/** The description of what is under /v1, with the guide for newcomers in front. */
export function partnerDescription(): JsonObject {
  made ??= derive(description)
  return made
}

function derive(whole: JsonObject): JsonObject {
  const guide = readFileSync(new URL('../openapi/partner-guide.md', import.meta.url), 'utf8')
  const paths = Object.fromEntries(
    Object.entries(part(whole, 'paths'))
      .filter(([path]) => isForPartners(path))
      .map(([path, item]) => [path, asPartners(item)]),
  )
  const webhooks = whole['webhooks'] ?? {}
  const schemes = part(part(whole, 'components'), 'securitySchemes')
  const kept = Object.fromEntries(Object.entries(schemes).filter(([name]) => name !== 'adminToken'))
  return {
    openapi: whole['openapi'] ?? '3.1.0',
    info: {
      ...part(whole, 'info'),
      title: 'Tieline partner API',
      summary: 'What partners may ask of the hub',
      description: guide,
    },
    servers: whole['servers'] ?? [],
    security: [{ partnerKey: [] }],
    tags: tagsIn(whole, [paths, webhooks]),
    paths,
    webhooks,
    components: { ...reached(whole, [paths, webhooks]), securitySchemes: kept },
  }
}

/** Without the admin's way in, which is no partner's affair. */
function asPartners(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(asPartners)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      name,
      name === 'security' && Array.isArray(one)
        ? one.filter((way) => !isJsonObject(way) || !('adminToken' in way))
        : asPartners(one),
    ]),
  )
}

/** Tags that something here has, in the order of the whole. */
function tagsIn(whole: JsonObject, values: readonly JsonValue[]): JsonValue[] {
  const used = new Set([...JSON.stringify(values).matchAll(/"tags":\["([^"]+)"/g)].map(([, tag]) => tag))
  const all = whole['tags']
  return Array.isArray(all)
    ? all.filter((tag) => isJsonObject(tag) && typeof tag['name'] === 'string' && used.has(tag['name']))
    : []
}

/** The components that are referred to, from here or from one another. */
function reached(whole: JsonObject, values: readonly JsonValue[]): JsonObject {
  const components = part(whole, 'components')
  const kept: Record<string, Record<string, JsonValue>> = {}
  const waiting = [JSON.stringify(values)]
  for (let text = waiting.pop(); text !== undefined; text = waiting.pop()) {
    for (const [, kind = '', name = ''] of text.matchAll(/"#\/components\/(\w+)\/([\w.-]+)"/g)) {
      const value = part(components, kind)[name]
      if (value === undefined || kept[kind]?.[name] !== undefined) continue
      ;(kept[kind] ??= {})[name] = value
      waiting.push(JSON.stringify(value))
    }
  }
  return kept
}
