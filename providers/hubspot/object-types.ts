/** The CRM objects that the hub knows. */
import type { ObjectType } from './objects.ts'

const ends = ['contacts', 'companies', 'deals']

const activity = (name: string): ObjectType => ({
  name,
  modified: 'hs_lastmodifieddate',
  history: [],
  associated: ends,
})

export const objectTypes = {
  contacts: { name: 'contacts', modified: 'lastmodifieddate', history: ['lifecyclestage'], associated: [] },
  // Only deals name a currency of their own; other amounts are in the account's.
  companies: {
    name: 'companies',
    modified: 'hs_lastmodifieddate',
    history: [],
    associated: [],
    currency: 'hs_annual_revenue_currency_code',
  },
  deals: {
    name: 'deals',
    modified: 'hs_lastmodifieddate',
    history: ['dealstage'],
    associated: ['companies', 'contacts'],
    currency: 'deal_currency_code',
  },
  tickets: activity('tickets'),
  calls: activity('calls'),
  emails: activity('emails'),
  meetings: activity('meetings'),
  notes: activity('notes'),
  tasks: activity('tasks'),
  communications: activity('communications'),
} as const satisfies Readonly<Record<string, ObjectType>>

export type ObjectName = keyof typeof objectTypes
