/** What the actions' schemas share, and how their inputs become Zendesk's fields. */
import { createHash } from 'node:crypto'
import type { JsonObject, JsonSchema, JsonValue } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import { idText, idToSend, type Fields } from './answer.ts'

const draft = 'https://json-schema.org/draft/2020-12/schema'

export const idSchema = { type: 'string', pattern: '^[0-9]{1,20}$' }
export const textSchema = (maxLength: number): JsonSchema => ({ type: 'string', minLength: 1, maxLength })
export const ticketStatus = { type: 'string', enum: ['new', 'open', 'pending', 'hold', 'solved', 'closed'] }
export const timeSchema = { type: 'string', format: 'date-time' }
/** A bound of ours against mistakes; Zendesk's own limit is said by its 422. */
const bodySchema = textSchema(65_536)

/** The schema of an action's input or output: an object without other fields. */
export function objectSchema(
  properties: Readonly<Record<string, unknown>>,
  required: readonly string[],
  examples: readonly JsonObject[],
  more: JsonSchema = {},
): JsonSchema {
  return {
    $schema: draft,
    type: 'object',
    additionalProperties: false,
    properties,
    required,
    examples,
    ...more,
  }
}

/** The key as Zendesk's fields can hold it (255 characters, with a prefix): a long one by its hash. */
export const keyText = (idempotencyKey: string): string =>
  idempotencyKey.length <= 200 ? idempotencyKey : createHash('sha256').update(idempotencyKey).digest('hex')

/** The external id that marks an object as made by one request of the hub. */
export const markOf = (idempotencyKey: string): string => `tieline:${keyText(idempotencyKey)}`

/** A text of the input. The schema was checked before; a hole here is the caller's mistake all the same. */
export function requireText(input: JsonObject, name: string): string {
  const value = input[name]
  if (typeof value === 'string' && value !== '') return value
  throw new HubError('InvalidInput', `"${name}" is missing`, {
    fields: [{ pointer: `/${name}`, detail: 'is missing' }],
  })
}

export function optionalText(input: JsonObject, name: string): string | undefined {
  const value = input[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Copies what the input has: `fields` gives the input's name for each of Zendesk's. */
export function copyFields(input: JsonObject, fields: Readonly<Record<string, string>>): JsonObject {
  const copy: JsonObject = {}
  for (const [theirs, ours] of Object.entries(fields)) {
    const value = input[ours]
    if (value !== undefined) copy[theirs] = value
  }
  return copy
}

/** The same for ids, which are text here and numbers there. */
export function copyIds(input: JsonObject, fields: Readonly<Record<string, string>>): JsonObject {
  const copy: JsonObject = {}
  for (const [theirs, ours] of Object.entries(fields)) {
    const value = input[ours]
    if (value === null) copy[theirs] = null
    else if (typeof value === 'string') copy[theirs] = idToSend(value)
  }
  return copy
}

/** `{ id, value }` with text ids as Zendesk's `custom_fields`. */
export function customFieldsOf(input: JsonObject): JsonObject {
  const fields = input['customFields']
  if (!Array.isArray(fields)) return {}
  return {
    custom_fields: fields.flatMap((field): JsonValue[] => {
      if (field === null || typeof field !== 'object' || Array.isArray(field)) return []
      const id = idText(field['id'])
      return id === undefined ? [] : [{ id: idToSend(id), value: field['value'] ?? null }]
    }),
  }
}

/** A comment: plain text or HTML, seen by the requester unless told otherwise. */
export function commentOf(input: JsonObject): JsonObject {
  const html = optionalText(input, 'bodyHtml')
  const content: JsonObject = html === undefined ? { body: requireText(input, 'body') } : { html_body: html }
  return { ...content, public: input['isPublic'] !== false, ...copyIds(input, { author_id: 'authorId' }) }
}

/** Properties of a comment, for schemas; exactly one of `body` and `bodyHtml` is wanted. */
export const commentProperties = {
  body: bodySchema,
  bodyHtml: bodySchema,
  isPublic: {
    type: 'boolean',
    default: true,
    description: 'False: an internal note that the requester does not see',
  },
  authorId: idSchema,
}
export const oneBody: JsonSchema = { oneOf: [{ required: ['body'] }, { required: ['bodyHtml'] }] }

export const textOrNull = (fields: Fields, key: string): string | null => {
  const value = fields[key]
  return typeof value === 'string' ? value : null
}
