/** A new object of each kind and a change of it, in fields of the models: shown to people, tried by the provider kit. */
import type { Writer } from '../contract.ts'

type Example = NonNullable<Writer['example']>

const at = '2026-05-04T09:00:00.000Z'

export const examples = {
  companies: {
    create: { name: 'Acme #', domain: 'acme#.example', industry: 'RETAIL', employees: 40, city: 'Porto' },
    change: { phone: '+351 220 000 000' },
  },
  contacts: {
    create: {
      email: 'ana.silva#@example.com',
      givenName: 'Ana',
      familyName: 'Silva',
      lifecycleStage: 'customer',
    },
    change: { jobTitle: 'Buyer', phone: '+351 220 000 001' },
  },
  deals: {
    create: {
      name: 'Acme #: 20 seats',
      amount: { amountMinor: 480_050, currency: 'EUR' },
      pipelineId: 'default',
      stageId: 'qualifiedtobuy',
      closesAt: at,
    },
    change: { amount: { amountMinor: 520_000, currency: 'EUR' } },
  },
  tickets: {
    create: { subject: 'Cannot sign in #', body: 'Since this morning.', status: '1' },
    change: { body: 'Since yesterday.' },
  },
  calls: {
    create: { subject: 'First call #', body: 'Asked for an offer.', occurredAt: at, durationMs: 240_000 },
    change: { body: 'Asked for two offers.' },
  },
  meetings: {
    create: { subject: 'Demonstration #', body: 'Shown the whole of it.', occurredAt: at },
    change: { body: 'Shown half of it.' },
  },
  notes: {
    create: { body: 'Asked for an offer #', occurredAt: at },
    change: { body: 'Asked for two offers #' },
  },
  tasks: {
    create: { subject: 'Send the offer #', body: 'With both prices.', status: 'NOT_STARTED', dueAt: at },
    change: { subject: 'Send both offers #' },
  },
} as const satisfies Readonly<Record<string, Example>>
