import type { Action } from '../contract.ts'

/** What can be done at Zendesk. */
export const actions: readonly Action[] = []
