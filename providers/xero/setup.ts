import type { SetupStep } from '../contract.ts'

/** One connection is one organisation; a person may choose several on Xero's consent screen. */
export const setup: readonly SetupStep[] = [
  {
    title: 'Which organisation',
    text:
      'You sign in at Xero and choose the organisation to connect. Choose one; if you choose several, its name here tells which of them this ' +
      'connection is for.',
    fields: [
      {
        name: 'organisation',
        label: 'Organisation',
        help: 'Its name as Xero shows it. Only needed when several are chosen at once.',
        secret: false,
        required: false,
        pattern: '^.{1,200}$',
        patternHint: 'the name of the organisation',
        example: 'Harbour Lights Ltd',
      },
    ],
  },
]
