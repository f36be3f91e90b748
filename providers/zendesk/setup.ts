import type { SetupStep } from '../contract.ts'

/** What a subdomain looks like; it becomes a host name, so nothing else may pass. */
export const subdomainPattern = '^[a-z0-9][a-z0-9_-]{0,62}$'

/** What whoever connects Zendesk is shown, in order. */
export const setup: readonly SetupStep[] = [
  {
    title: 'Your Zendesk address',
    text: 'Open Zendesk in the browser. The address begins with your subdomain: in https://acme.zendesk.com it is "acme".',
    fields: [
      {
        name: 'subdomain',
        label: 'Subdomain',
        help: 'Only the first part of the address, in lower case. Not a host-mapped domain such as help.acme.com.',
        secret: false,
        required: true,
        pattern: subdomainPattern,
        patternHint:
          'Lower-case letters, digits, hyphen or underscore: "acme", not "https://acme.zendesk.com"',
        example: 'acme',
        env: 'ZENDESK_SUBDOMAIN',
      },
    ],
  },
  {
    title: 'An API token',
    text:
      'In Admin Center open Apps and integrations › APIs › API tokens (older accounts: Zendesk API), switch token access on and add an API token ' +
      'named "Tieline". Copy it at once: Zendesk shows it only then. The user whose email address is given must be an admin: ' +
      'the incremental exports answer admins only. A user of its own ("tieline@…") keeps the hub\'s writes recognisable.',
    fields: [
      {
        name: 'email',
        label: 'Email address of the admin',
        help: 'The hub acts as this user.',
        secret: false,
        required: true,
        pattern: '^[^\\s@:/]+@[^\\s@:/]+\\.[^\\s@:/]+$',
        patternHint: 'An email address without the suffix "/token"; the hub adds that itself',
        example: 'tieline@acme.com',
        env: 'ZENDESK_EMAIL',
      },
      {
        name: 'token',
        label: 'API token',
        help: 'Kept encrypted; never shown again.',
        secret: true,
        required: true,
        pattern: '^[A-Za-z0-9_-]{16,255}$',
        patternHint: 'The token alone: 16 or more letters and digits without spaces',
        env: 'ZENDESK_TOKEN',
      },
    ],
  },
  {
    title: 'Your plan',
    text: 'Zendesk allows 10 incremental exports a minute, 30 with the High Volume API add-on. Its answers do not say which holds, so it is asked here.',
    fields: [
      {
        name: 'exports_per_minute',
        label: 'Incremental exports a minute',
        help: 'Leave empty for 10. Enter 30 if the account has the High Volume API add-on.',
        secret: false,
        required: false,
        pattern: '^[1-9][0-9]{0,5}$',
        patternHint: 'A whole number: 10, or 30 with the add-on',
        example: '30',
      },
    ],
  },
]
