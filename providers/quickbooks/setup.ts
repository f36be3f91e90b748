import type { SetupStep } from '../contract.ts'

/** What must be known before the consent: the two environments have addresses of their own. */
export const setup: readonly SetupStep[] = [
  {
    title: 'Which QuickBooks',
    text:
      'Companies of customers are "production". "sandbox" is for the test companies of an Intuit developer account. You then sign in at Intuit and choose ' +
      'the company; whoever signs in must be a primary or company admin of it.',
    fields: [
      {
        name: 'environment',
        label: 'Environment',
        help: 'production, or sandbox for test companies.',
        secret: false,
        required: true,
        pattern: '^(production|sandbox)$',
        patternHint: 'production or sandbox',
        example: 'production',
      },
    ],
  },
]
