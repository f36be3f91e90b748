/** Turns a provider's page into what the store takes: each row checked against its schema, mapped, hashed. Pure. */
import { createHash } from 'node:crypto'
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { FieldMapping } from '../model/mapping.ts'
import { applyMapping } from '../model/mapping.ts'
import { canonicalJson } from '../model/json.ts'
import type { PreparedRow } from '../db/pages.ts'
import type { QuarantinedRow } from '../db/quarantine.ts'
import type { Page, Resource, Row } from '../providers/contract.ts'

export interface PreparedRows {
  readonly rows: readonly PreparedRow[]
  readonly quarantined: readonly QuarantinedRow[]
  /** See `addToHash`. */
  readonly contentHash: bigint
  /** What the mapping could not convert: how many rows, by problem. */
  readonly mappingProblems: Readonly<Record<string, number>>
}

/** What a row's way into the store needs of its resource: those of receivers have no more. */
export type StoredResource = Pick<
  Resource,
  'name' | 'model' | 'schema' | 'volatile' | 'externalId' | 'updatedAt' | 'isDeleted' | 'mapping'
>

const modulus = 1n << 256n

/**
 * Order-free hash of a set of objects: the sum of SHA-256(id, NUL, fingerprint) modulo 2^256. Adding (not XOR) lets a
 * repetition show.
 */
export function addToHash(sum: bigint, externalId: string, fingerprint: string): bigint {
  const hash = createHash('sha256').update(externalId).update('\0').update(fingerprint).digest('hex')
  return (sum + BigInt(`0x${hash}`)) % modulus
}

/** SHA-256 (hex) of a row's canonical JSON without the fields that change by themselves. */
export function fingerprintOf(row: Row, volatile: readonly string[]): string {
  let content: Record<string, unknown> = row
  if (volatile.some((field) => field in row)) {
    content = { ...row }
    for (const field of volatile) delete content[field]
  }
  return createHash('sha256').update(canonicalJson(content)).digest('hex')
}

/**
 * Prepares all rows of a page. A row that stands twice counts once, by its later reading.
 * @param mapping the connection's mapping where it has one, else the resource's default.
 */
export function preparePage(
  resource: StoredResource,
  mapping: FieldMapping,
  page: Pick<Page, 'rows' | 'deletedIds'>,
): PreparedRows {
  const rows = new Map<string, PreparedRow>()
  const quarantined = new Map<string, QuarantinedRow>()
  const mappingProblems: Record<string, number> = {}
  const note = (problem: string) => void (mappingProblems[problem] = (mappingProblems[problem] ?? 0) + 1)
  page.rows.forEach((answered, index) => {
    const { row, text } = storable(answered)
    const problem = misfit(resource, row)
    if (problem !== undefined) {
      const externalId = externalIdOfMisfit(resource, row, index)
      quarantined.set(externalId, { externalId, reason: problem, raw: text })
      return
    }
    const prepared = prepareRow(resource, mapping, row, text, note)
    const before = rows.get(prepared.externalId)
    if (!before || !isNewer(before, prepared)) rows.set(prepared.externalId, prepared)
    quarantined.delete(prepared.externalId)
  })
  for (const externalId of page.deletedIds ?? []) rows.set(externalId, tombstone(externalId, undefined))
  let contentHash = 0n
  for (const row of rows.values())
    if (!row.deleted) contentHash = addToHash(contentHash, row.externalId, row.fingerprint)
  return {
    rows: [...rows.values()],
    quarantined: [...quarantined.values()].filter((row) => !rows.has(row.externalId)),
    contentHash,
    mappingProblems,
  }
}

const isNewer = (a: PreparedRow, b: PreparedRow) =>
  a.sourceUpdatedAt !== undefined && b.sourceUpdatedAt !== undefined && a.sourceUpdatedAt > b.sourceUpdatedAt

function prepareRow(
  resource: StoredResource,
  mapping: FieldMapping,
  row: Row,
  text: string,
  note: (problem: string) => void,
): PreparedRow {
  const externalId = resource.externalId(row)
  const updatedAt = resource.updatedAt(row)
  const sourceUpdatedAt = updatedAt === undefined ? undefined : new Date(updatedAt)
  if (resource.isDeleted?.(row)) return tombstone(externalId, sourceUpdatedAt)
  const { mapped, problems } = applyMapping(mapping, row)
  problems.forEach(note)
  return {
    externalId,
    raw: text,
    mapped: JSON.stringify(mapped),
    fingerprint: fingerprintOf(row, resource.volatile),
    sourceUpdatedAt,
    deleted: false,
  }
}

/** A deletion: no content, so that the last known content stays in the store. */
function tombstone(externalId: string, sourceUpdatedAt: Date | undefined): PreparedRow {
  return { externalId, raw: '{}', mapped: '{}', fingerprint: '', sourceUpdatedAt, deleted: true }
}

/** Why a row does not fit, without its content; undefined when it does. */
function misfit(resource: StoredResource, row: Row): string | undefined {
  const validate = validatorOf(resource)
  if (!validate(row))
    return (validate.errors ?? []).slice(0, 3).map(describe).join('; ') || 'does not fit its schema'
  const updatedAt = resource.updatedAt(row)
  if (updatedAt !== undefined && Number.isNaN(Date.parse(updatedAt)))
    return 'its time of change is not a time'
  return undefined
}

const describe = (error: ErrorObject): string => `${error.instancePath || '/'} ${error.message ?? 'is wrong'}`

function externalIdOfMisfit(resource: StoredResource, row: Row, index: number): string {
  try {
    const id = resource.externalId(row)
    if (typeof id === 'string' && id !== '' && id !== 'undefined' && id !== 'null') return id
  } catch {
    // The very field that holds the id does not fit: the row gets a name of its own below.
  }
  return `unreadable:${createHash('sha256').update(`${index}`).update(canonicalJson(row)).digest('hex').slice(0, 16)}`
}

/** Formats are compiled once per resource: the schema never changes while the process lives. */
const validators = new WeakMap<StoredResource, ValidateFunction>()
const ajv = new Ajv2020({ strict: false, allErrors: false })
// `fast`: the shape of a time is checked here, its meaning where it is parsed.
addFormats.default(ajv, { mode: 'fast' })

function validatorOf(resource: StoredResource): ValidateFunction {
  let validate = validators.get(resource)
  if (!validate) {
    validate = ajv.compile(resource.schema)
    validators.set(resource, validate)
  }
  return validate
}

// Postgres' jsonb takes neither U+0000 nor a lone surrogate, both of which JSON (and some providers) allow.
const unstorable = /\\u0000|\\ud[89a-f]/i

/** The row and its JSON text, with characters that Postgres cannot keep replaced by U+FFFD. Nearly always the row itself. */
function storable(row: Row): { row: Row; text: string } {
  const text = JSON.stringify(row)
  if (!unstorable.test(text)) return { row, text }
  const cleaned = clean(row) as Row
  return { row: cleaned, text: JSON.stringify(cleaned) }
}

function clean(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('\0', '\uFFFD').replace(loneSurrogate, '\uFFFD')
  if (Array.isArray(value)) return value.map(clean)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [clean(key), clean(inner)]))
}

const loneSurrogate = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g
