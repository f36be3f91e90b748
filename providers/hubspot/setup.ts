/** What whoever connects HubSpot is shown, in order. */
import type { SetupField, SetupStep } from '../contract.ts'

const plan: SetupField = {
  name: 'plan',
  label: 'Plan of the account',
  help: 'Sets how many calls the hub makes: starter (also free), professional, enterprise, or addon for the API limit increase. Empty: as starter.',
  secret: false,
  required: false,
  pattern: '^(starter|professional|enterprise|addon)$',
  patternHint: 'starter, professional, enterprise or addon',
  example: 'professional',
}

const timeZone: SetupField = {
  name: 'time_zone',
  label: 'Time zone of the account',
  help: 'Settings › Account defaults. The day’s calls are counted until midnight there. Empty: UTC.',
  secret: false,
  required: false,
  pattern: '^[A-Za-z_]+(/[A-Za-z0-9_+-]+)*$',
  patternHint: 'A name such as Europe/Lisbon or US/Eastern',
  example: 'Europe/Lisbon',
}

const token: SetupField = {
  name: 'token',
  label: 'Access token',
  help: 'Kept encrypted; never shown again.',
  secret: true,
  required: true,
  // Real ones begin with "pat-na1-" or another data centre; service keys do not.
  pattern: '^[A-Za-z0-9_.-]{20,512}$',
  patternHint: 'The token alone: 20 or more letters, digits and hyphens without spaces',
  env: 'HUBSPOT_API_KEY',
}

/** Signing in needs nothing before the consent; a super admin sees the consent screen with every scope. */
export const oauthSetup: readonly SetupStep[] = [
  {
    title: 'Sign in as an administrator',
    text:
      'HubSpot shows what is asked for and lets you choose the account. Only a super admin can allow all of it. What the account’s plan does not ' +
      'have (workflows, marketing e-mail, custom events) is left out and the rest works.',
    fields: [],
  },
]

export const privateAppSetup: readonly SetupStep[] = [
  {
    title: 'A private app or service key',
    text:
      'In HubSpot open Settings › Integrations › Private apps (or, in newer accounts, Development › Keys › Service keys), create one named "Tieline" ' +
      'and give it the scopes crm.objects.contacts, crm.objects.companies, crm.objects.deals (read and write), crm.objects.owners.read, ' +
      'crm.schemas of the same, tickets, crm.lists.read and .write, and, for marketing, automation, content and transactional-email. ' +
      'Copy the access token. You must be a super admin.',
    fields: [token],
  },
  {
    title: 'The account’s limits',
    text: 'HubSpot counts calls in ten seconds and in a day, by plan. Both may be left empty; the hub then begins slowly and learns from the answers.',
    fields: [plan, timeZone],
  },
]
