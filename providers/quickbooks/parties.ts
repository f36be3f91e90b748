/**
 * Customers and vendors. Their balances follow from their transactions and do not touch the object, so change data capture
 * does not tell them: after the changes of the parties themselves come those whose transactions have changed.
 */
import type { Page, Position, ProviderContext, Row } from '../contract.ts'
import { fieldsIn, textIn } from './answer.ts'
import { changesSince, readFollowing, type Changes } from './changes.ts'
import { entities, type Entity } from './entities.ts'
import { queryByIds, readWhole } from './query.ts'

/** Ids of one query. */
const idsPerPage = 100

interface Postings {
  /** Kinds of transaction that change the balance. */
  readonly kinds: readonly string[]
  readonly party: 'CustomerRef' | 'VendorRef'
}

/** A journal entry may post to receivables or payables of any party; it names them in its lines. */
const postings = new Map<Entity, Postings>([
  [
    entities.customer,
    { kinds: ['Invoice', 'Payment', 'CreditMemo', 'JournalEntry', 'Deposit'], party: 'CustomerRef' },
  ],
  [
    entities.vendor,
    { kinds: ['Bill', 'BillPayment', 'VendorCredit', 'JournalEntry', 'Purchase'], party: 'VendorRef' },
  ],
])

/** One page: of a whole read, of changes, or (`{refresh: ids}`, `{everyone}`) of parties whose balance may have changed. */
export async function readParties(
  context: ProviderContext,
  entity: Entity,
  position: Position,
): Promise<Page> {
  const { refresh, everyone, then, ...own } = position
  const after = isPosition(then) ? then : {}
  if (Array.isArray(refresh)) {
    const ids = refresh.filter((id) => typeof id === 'string')
    const { rows, readAt } = await queryByIds(context, entity, ids.slice(0, idsPerPage))
    const rest = ids.slice(idsPerPage)
    if (rest.length === 0) return { rows, readAt, next: after, done: true }
    return { rows, readAt, next: { refresh: rest, then: after }, done: false }
  }
  if (everyone === true) {
    const page = await readWhole(context, entity, own, () => after)
    return page.done ? page : { ...page, next: { ...page.next, everyone, then: after } }
  }
  const page = await readFollowing(context, entity, position)
  const posted = page.done ? postings.get(entity) : undefined
  const changes = posted && (await changesSince(context, posted.kinds, position))
  if (!posted || !changes) return page
  const wish = whoseBalance(changes, posted, page.rows)
  return wish ? { ...page, next: { ...wish, then: page.next }, done: false } : page
}

/** The parties to read again. A deleted transaction does not say whose it was: everyone is read then. */
function whoseBalance(changes: Changes, { party }: Postings, fresh: readonly Row[]): Position | undefined {
  if (!changes.isWhole || changes.deletedIds.length > 0) return { everyone: true }
  const known = new Set(fresh.map((row) => textIn(row, 'Id')))
  const named = changes.rows.flatMap((row) => [...partiesIn(row, party)])
  const ids = [...new Set(named)].filter((id) => !known.has(id))
  return ids.length === 0 ? undefined : { refresh: ids }
}

/** Ids in `CustomerRef`, `VendorRef`, or the `EntityRef` of the transaction or of its lines. */
function* partiesIn(value: unknown, party: Postings['party']): Generator<string> {
  if (Array.isArray(value)) for (const one of value) yield* partiesIn(one, party)
  else if (typeof value === 'object' && value !== null)
    for (const [key, inner] of Object.entries(value)) {
      const id =
        key === party || key === 'EntityRef' ? textIn(fieldsIn(value as Row, key), 'value') : undefined
      if (id !== undefined) yield id
      yield* partiesIn(inner, party)
    }
}

const isPosition = (value: unknown): value is Position =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
