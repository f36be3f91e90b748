/** Where each common model is under /v1: its plural, unless that is the name of something of the hub itself. */
import type { ModelName } from '../../model/records.ts'

const differing: Partial<Record<ModelName, string>> = {
  // /v1/accounts are the accounts of a partner.
  account: 'companies',
  // /v1/events is the stream of what has happened in the hub.
  event: 'analytics-events',
  report: 'analytics-reports',
  activity: 'activities',
  journalEntry: 'journal-entries',
  timeEntry: 'time-entries',
  ledgerAccount: 'ledger-accounts',
}

const kebab = (text: string): string => text.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** `/v1/<this>`. */
export const pathOfModel = (model: ModelName): string => differing[model] ?? `${kebab(model)}s`

const pascal = (text: string): string =>
  text.replace(/(^|-)([a-z])/g, (_all, _dash, letter: string) => letter.toUpperCase())

/** In names of operations: `Tickets`, `Ticket`. */
export const namesOfModel = (model: ModelName): { readonly many: string; readonly one: string } => {
  const many = pascal(pathOfModel(model))
  const one = /ies$/.test(many) ? many.replace(/ies$/, 'y') : many.replace(/s$/, '')
  return { many, one }
}
