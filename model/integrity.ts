/** What a comparison of provider and store says of one object, and of all of them. Pure. */
import { diffFields } from './diff.ts'
import { canonicalJson, type JsonObject } from './json.ts'
import { models, type ModelName } from './records.ts'

/**
 * `missing`: the provider has it, the store does not. `extra`: the store has it, the provider does not. `stale`: the provider's is newer than
 * what the store has, although it was there when the store was last brought in step. `different`: the same version with other content.
 * `orphan`: it points to an object that is not in the store.
 */
export const findingKinds = ['missing', 'extra', 'stale', 'different', 'orphan'] as const
export type FindingKind = (typeof findingKinds)[number]

/** What the store has of an object. */
export interface StoredCopy {
  readonly raw: JsonObject
  readonly mapped: JsonObject
  readonly deleted: boolean
  readonly sourceUpdatedAt: Date | null
}

/** What the provider has of it now, as the mapping in force makes it. */
export interface ProviderCopy {
  readonly raw: JsonObject
  readonly mapped: JsonObject
  readonly sourceUpdatedAt: Date | undefined
}

export type CopyVerdict =
  | { readonly kind: 'matching' }
  /** Changed at the provider since the store was last brought in step: the next sync brings it, nothing is wrong. */
  | { readonly kind: 'pending' }
  | { readonly kind: 'missing' | 'stale' | 'different'; readonly fields: readonly string[] }

/**
 * Compares one object field by field, raw and mapped.
 * @param inStepAt when the last sync that went through began; null: never.
 * @param volatile top-level raw fields that change by themselves.
 */
export function compareCopies(
  stored: StoredCopy | undefined,
  provider: ProviderCopy,
  inStepAt: Date | null,
  volatile: readonly string[],
): CopyVerdict {
  const isNews =
    inStepAt === null || (provider.sourceUpdatedAt !== undefined && provider.sourceUpdatedAt > inStepAt)
  if (!stored || stored.deleted) return isNews ? { kind: 'pending' } : { kind: 'missing', fields: [] }
  const fields = differingFields(stored, provider, volatile)
  if (fields.length === 0) return { kind: 'matching' }
  if (isNews) return { kind: 'pending' }
  const isNewer =
    provider.sourceUpdatedAt !== undefined &&
    stored.sourceUpdatedAt !== null &&
    provider.sourceUpdatedAt > stored.sourceUpdatedAt
  return { kind: isNewer ? 'stale' : 'different', fields }
}

/** Names of fields, `raw.…` for the provider's own, `…` for the model's. Values are nobody's to see here. */
function differingFields(stored: StoredCopy, provider: ProviderCopy, volatile: readonly string[]): string[] {
  const without = (row: JsonObject): JsonObject =>
    Object.fromEntries(Object.entries(row).filter(([name]) => !volatile.includes(name)))
  const [rawBefore, rawNow] = [without(stored.raw), without(provider.raw)]
  const raw = same(rawBefore, rawNow) ? [] : diffFields(rawBefore, rawNow).map((field) => `raw.${field}`)
  const mapped = same(stored.mapped, provider.mapped) ? [] : diffFields(stored.mapped, provider.mapped)
  return [...mapped, ...raw]
}

const same = (a: JsonObject, b: JsonObject): boolean => canonicalJson(a) === canonicalJson(b)

export interface IntegrityCounts {
  readonly checked: number
  readonly matching: number
  readonly pending: number
  readonly missing: number
  readonly extra: number
  readonly stale: number
  readonly different: number
  readonly orphans: number
}

/** All of several together. */
export function sumOfCounts(resources: readonly IntegrityCounts[]): IntegrityCounts {
  const sum = (name: keyof IntegrityCounts): number => resources.reduce((total, one) => total + one[name], 0)
  return {
    checked: sum('checked'),
    matching: sum('matching'),
    pending: sum('pending'),
    missing: sum('missing'),
    extra: sum('extra'),
    stale: sum('stale'),
    different: sum('different'),
    orphans: sum('orphans'),
  }
}

/** Objects that are as they should be, in per cent of all that can be judged; links count apart. Four decimals, never rounded up to 100. */
export function integrityPercent({ matching, missing, extra, stale, different }: IntegrityCounts): number {
  const wrong = missing + extra + stale + different
  const judged = matching + wrong
  if (judged === 0 || wrong === 0) return 100
  return Math.floor((matching / judged) * 1e6) / 1e4
}

/** Below this an incident is opened (design §10). */
export const integrityTarget = 99.99

export interface Link {
  /** Field of the mapped record: an id, or a list of ids. */
  readonly field: string
  readonly to: readonly ModelName[]
}

/** Which fields of a model hold ids of which models. What is not synced for a connection is not looked for. */
const linkTargets: Readonly<Record<string, readonly ModelName[]>> = {
  customerId: ['customer'],
  itemId: ['item'],
  ticketId: ['ticket'],
  requesterId: ['user'],
  assigneeId: ['user'],
  authorId: ['user'],
  organizationId: ['organization'],
  sectionId: ['section'],
  ownerId: ['owner'],
  pipelineId: ['pipeline'],
  contactIds: ['contact'],
  accountIds: ['account'],
  dealIds: ['deal'],
}

/** The links of a model, to models that there are. */
export const linksOf = (model: ModelName): readonly Link[] =>
  Object.keys(models[model]).flatMap((field) => {
    const to = linkTargets[field]
    return to ? [{ field, to }] : []
  })
