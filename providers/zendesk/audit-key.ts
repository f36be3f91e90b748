/**
 * The hub's idempotency key in a ticket's history: sent as `ticket.metadata`, kept by Zendesk as `audit.metadata.custom` (at most
 * 1 kB: "Setting metadata", read 2026-11-23) of the audit that a comment makes. A ticket's creation makes one too, for its first comment.
 */
import type { ProviderContext } from '../contract.ts'
import { idText, isFields, type Fields } from './answer.ts'
import { readList } from './paging.ts'

export const keyField = 'tieline_key'

/** The id of the comment that an audit holds, if the audit bears our key. */
function commentOfAudit(audit: Fields, idempotencyKey: string): string | undefined {
  const metadata = audit['metadata']
  const custom = isFields(metadata) && isFields(metadata['custom']) ? metadata['custom'] : {}
  if (custom[keyField] !== idempotencyKey) return undefined
  const events: unknown[] = Array.isArray(audit['events']) ? audit['events'] : []
  const comment = events.find((event) => isFields(event) && event['type'] === 'Comment')
  return isFields(comment) ? idText(comment['id']) : undefined
}

/** Looks through the ticket's audits for our key: the id of the comment that was written with it. */
export async function findComment(
  context: ProviderContext,
  ticketId: string,
  idempotencyKey: string,
): Promise<string | undefined> {
  const path = `/api/v2/tickets/${encodeURIComponent(ticketId)}/audits`
  let after: string | undefined
  do {
    const page = await readList(context, 'support', path, 'audits', {}, after)
    for (const audit of page.rows) {
      const found = commentOfAudit(audit, idempotencyKey)
      if (found !== undefined) return found
    }
    after = page.after
  } while (after !== undefined)
  return undefined
}
