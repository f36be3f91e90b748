/** A new object of each kind and a change of it, in fields of the models: shown to people, tried by the provider kit. */
import type { Writer } from '../contract.ts'

type Example = NonNullable<Writer['example']>

export const examples = {
  tickets: {
    create: {
      subject: 'Printer on fire #',
      description: 'The smoke is very colorful.',
      requesterId: '@users',
      priority: 'high',
      type: 'incident',
      tags: ['printer'],
    },
    change: { priority: 'urgent', tags: ['printer', 'smoke'] },
  },
  users: {
    create: { name: 'Ana Silva #', email: 'ana.silva#@example.com', role: 'end-user', timeZone: 'Berlin' },
    change: { phone: '+351 220 000 000' },
  },
  organizations: {
    create: { name: 'Acme #', domains: ['acme#.example'], details: 'Makes anvils.', tags: ['enterprise'] },
    change: { notes: 'Asks for invoices by post.' },
  },
  articles: {
    create: {
      title: 'How to put out a printer #',
      bodyHtml: '<p>Stay calm.</p>',
      locale: 'en-us',
      sectionId: '@sections',
      isDraft: true,
      custom: { permissionGroupId: '56', userSegmentId: null },
    },
    change: { bodyHtml: '<p>Stay calm, then pull the plug.</p>', labels: ['printer'] },
  },
} as const satisfies Readonly<Record<string, Example>>
