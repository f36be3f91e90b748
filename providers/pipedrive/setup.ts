import type { SetupField, SetupStep } from '../contract.ts'

/** It becomes a host name, so nothing else may pass. */
export const domainPattern = '^[a-z0-9][a-z0-9-]{0,62}$'

const budget: SetupField = {
  name: 'tokens_per_day',
  label: 'API tokens a day',
  help: 'Leave empty for 30,000 (Lite, one seat). It is 30,000 × 1, 2, 5 or 7 (Lite, Growth, Premium, Ultimate) × seats; Company settings › API usage dashboard shows it.',
  secret: false,
  required: false,
  pattern: '^[1-9][0-9]{3,9}$',
  patternHint: 'A whole number: 30000',
  example: '150000',
}
const plan: SetupStep = {
  title: 'Your plan',
  text: 'Every call costs tokens of a daily budget that the whole company shares with its other integrations. No answer says how large it is, so it is asked here.',
  fields: [budget],
}

/** What whoever connects by API token is shown, in order. */
export const tokenSetup: readonly SetupStep[] = [
  {
    title: 'Your Pipedrive address',
    text: 'Open Pipedrive in the browser. In https://acme.pipedrive.com the company domain is "acme".',
    fields: [
      {
        name: 'company_domain',
        label: 'Company domain',
        help: 'Only the first part of the address, in lower case.',
        secret: false,
        required: true,
        pattern: domainPattern,
        patternHint: 'Lower-case letters, digits or hyphens: "acme", not "https://acme.pipedrive.com"',
        example: 'acme',
      },
    ],
  },
  {
    title: 'An API token',
    text:
      'In Personal preferences › API copy your personal API token. Its user must be an administrator who sees every object: the hub reads, and is told by ' +
      'webhooks, only what this user may see. A new token ends the one before.',
    fields: [
      {
        name: 'api_token',
        label: 'API token',
        help: 'Kept encrypted; never shown again.',
        secret: true,
        required: true,
        pattern: '^[A-Za-z0-9_-]{16,255}$',
        patternHint: 'The token alone: letters and digits without spaces',
      },
    ],
  },
  plan,
]

/** Nothing must be known before the consent: the answer with the token says which company it is. */
export const oauthSetup: readonly SetupStep[] = [plan]
