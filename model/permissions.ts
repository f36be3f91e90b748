/**
 * THE policy table: every permission, and which roles have it. REST, command line and console ask it, the docs show it. An operation
 * of the description names one permission (`x-permission`). A key has the scopes it was given, which are permissions that
 * `keys` says yes to.
 */

/** People who run the hub. `support` sees personal data masked. */
export const hubRoles = ['owner', 'operator', 'support', 'auditor'] as const
/** A partner's people. */
export const partnerRoles = ['admin', 'developer', 'finance', 'viewer'] as const
export type HubRole = (typeof hubRoles)[number]
export type PartnerRole = (typeof partnerRoles)[number]
export type Role = HubRole | PartnerRole

interface Rule {
  readonly title: string
  readonly hub: readonly HubRole[]
  readonly partner: readonly PartnerRole[]
  /** May be given to an API key of a partner. */
  readonly keys: boolean
}

const everyHubRole = hubRoles
const operators = ['owner', 'operator'] as const
const helpers = ['owner', 'operator', 'support'] as const
const everyPartnerRole = partnerRoles
const builders = ['admin', 'developer'] as const

const rule = (
  title: string,
  hub: readonly HubRole[],
  partner: readonly PartnerRole[],
  keys = partner.length > 0,
): Rule => ({ title, hub, partner, keys })

export const permissions = {
  'accounts.read': rule('See accounts', everyHubRole, everyPartnerRole),
  'accounts.write': rule('Make and change accounts', operators, builders),
  'actions.run': rule('Run actions at providers', operators, builders),
  'audit.read': rule('Read the audit chain', ['owner', 'operator', 'auditor'], ['admin']),
  'automations.approve': rule('Decide what an automation asks', operators, ['admin']),
  'automations.read': rule('See automations and their runs', everyHubRole, everyPartnerRole),
  'automations.run': rule('Start and steer automations', helpers, builders),
  'automations.write': rule('Make and change automations', operators, builders),
  'brand.read': rule('See the brand', everyHubRole, everyPartnerRole),
  'brand.write': rule('Change and publish the brand', operators, ['admin'], true),
  'budgets.read': rule("See what is left of providers' quotas", everyHubRole, builders),
  'codec.use': rule('Decode payloads of the Temporal UI', operators, []),
  'commissions.approve': rule('Approve statements and payouts', ['owner'], []),
  'commissions.read': rule(
    'See commissions and statements',
    ['owner', 'operator', 'auditor'],
    ['admin', 'finance'],
  ),
  'commissions.write': rule('Change commission plans and attributions', ['owner'], []),
  'connections.read': rule('See connections', everyHubRole, everyPartnerRole),
  'connections.test': rule('Test connections', helpers, builders),
  'connections.write': rule('Make, change and delete connections', operators, builders),
  'endpoints.read': rule('See endpoints and deliveries', everyHubRole, everyPartnerRole),
  'endpoints.write': rule('Make and change endpoints, replay deliveries', operators, builders),
  'events.read': rule('Read the stream of events', everyHubRole, everyPartnerRole),
  'health.read': rule('See health, metrics and incidents', everyHubRole, everyPartnerRole),
  'health.write': rule('Acknowledge and steer incidents and alerts', helpers, builders),
  'integrity.read': rule('See reports on the integrity of data', everyHubRole, everyPartnerRole),
  'integrity.run': rule('Verify and repair data', operators, builders),
  'keys.read': rule('See API keys', ['owner', 'operator', 'auditor'], builders),
  'keys.write': rule('Make, rotate and revoke API keys', operators, ['admin'], true),
  'limits.read': rule('See limits, quotas and tiers', everyHubRole, everyPartnerRole),
  'limits.write': rule('Change limits, quotas and tiers', operators, []),
  'maintenance.run': rule('Run maintenance: rotations, retention', ['owner', 'operator'], []),
  'mappings.read': rule('See mappings', everyHubRole, everyPartnerRole),
  'mappings.write': rule('Change and publish mappings', operators, builders),
  'operations.read': rule('See actions and reports that ran', everyHubRole, everyPartnerRole),
  'partners.read': rule('See partners', everyHubRole, everyPartnerRole),
  'partners.write': rule('Make, change and move partners', operators, ['admin'], true),
  'people.read': rule('See people and their roles', ['owner', 'operator', 'auditor'], ['admin']),
  'people.write': rule('Invite people, change roles, end sessions', ['owner'], ['admin'], false),
  'providers.read': rule('See the catalogue of providers', everyHubRole, everyPartnerRole),
  'providers.write': rule("Change providers' app settings", ['owner'], []),
  'records.read': rule('Read synced data', everyHubRole, everyPartnerRole),
  'reports.run': rule('Run reports at providers', helpers, builders),
  'rotations.read': rule('See rotations of secrets', everyHubRole, []),
  'rotations.run': rule('Begin and steer rotations, with the permission of what is rotated', operators, []),
  'runs.read': rule('See runs', everyHubRole, everyPartnerRole),
  'runs.start': rule('Start runs', operators, builders),
  'runs.steer': rule('Pause, resume and cancel runs', operators, builders),
  'self.use': rule('See and change oneself', everyHubRole, everyPartnerRole),
  'usage.read': rule('See usage', everyHubRole, everyPartnerRole),
  'webhooks.payload': rule('See payloads of webhooks', operators, builders),
  'webhooks.read': rule('See received webhooks', everyHubRole, everyPartnerRole),
  'webhooks.write': rule('Set up, replay and route webhooks', operators, builders),
  'writes.read': rule('See writes', everyHubRole, everyPartnerRole),
  'writes.write': rule('Write records at providers', operators, builders),
} as const satisfies Record<string, Rule>

export type Permission = keyof typeof permissions

const all = Object.keys(permissions) as readonly Permission[]
const table: Readonly<Record<Permission, Rule>> = permissions

export const isPermission = (text: string): text is Permission => Object.hasOwn(permissions, text)

/** What a person of the hub may do. */
export const permissionsOfHub = (role: HubRole): ReadonlySet<Permission> =>
  new Set(all.filter((name) => table[name].hub.includes(role)))

/** What one of a partner's people may do, in the partner and what is below it. */
export const permissionsOfPartner = (role: PartnerRole): ReadonlySet<Permission> =>
  new Set(all.filter((name) => table[name].partner.includes(role)))

/** What a key can be given. */
export const keyScopes: readonly Permission[] = all.filter((name) => table[name].keys)

/** What a key with these scopes may do; what has ceased to be a scope gives nothing. Whoever calls may always see itself. */
export const permissionsOfScopes = (scopes: readonly string[]): ReadonlySet<Permission> =>
  new Set<Permission>(['self.use', ...keyScopes.filter((name) => scopes.includes(name))])
