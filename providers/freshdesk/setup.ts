import type { SetupStep } from '../contract.ts'

/** It becomes a host name, so nothing else may pass. */
export const domainPattern = '^[a-z0-9][a-z0-9-]{0,62}$'

export const setup: readonly SetupStep[] = [
  {
    title: 'Your Freshdesk address',
    text: 'Open Freshdesk in the browser. In https://acme.freshdesk.com the domain is "acme"; an address of your own does not work for the API.',
    fields: [
      {
        name: 'domain',
        label: 'Domain',
        help: 'Only the first part of the address, in lower case.',
        secret: false,
        required: true,
        pattern: domainPattern,
        patternHint: 'Lower-case letters, digits or hyphens: "acme", not "https://acme.freshdesk.com"',
        example: 'acme',
      },
    ],
  },
  {
    title: 'An API key',
    text:
      'Click your picture › Profile settings › View API key. Its agent must have the ticket scope "All tickets" and may see contacts and companies: ' +
      'the hub reads what this agent may see.',
    fields: [
      {
        name: 'api_key',
        label: 'API key',
        help: 'Kept encrypted; never shown again.',
        secret: true,
        required: true,
        pattern: '^[A-Za-z0-9_-]{10,255}$',
        patternHint: 'The key alone: letters and digits without spaces',
      },
    ],
  },
  {
    title: 'Your plan',
    text: 'Calls are counted for the whole account, and lists have a smaller budget of their own, by plan.',
    fields: [
      {
        name: 'lists_per_minute',
        label: 'Lists a minute',
        help: 'Leave empty for 20 (Growth); Pro has 100, Enterprise 200.',
        secret: false,
        required: false,
        pattern: '^[1-9][0-9]{0,3}$',
        patternHint: 'A whole number: 100',
        example: '100',
      },
    ],
  },
]
