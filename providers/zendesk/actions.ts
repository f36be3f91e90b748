/** What can be done at Zendesk. Each action may be repeated with the same idempotency key without a second effect. */
import type { Action } from '../contract.ts'
import { createOrUpdateArticle } from './action-article.ts'
import { addComment, updateStatus } from './action-ticket-change.ts'
import { createTicket } from './action-ticket-create.ts'
import { createOrUpdateUser } from './action-user.ts'

export const actions: readonly Action[] = [
  createTicket,
  updateStatus,
  addComment,
  createOrUpdateUser,
  createOrUpdateArticle,
]
