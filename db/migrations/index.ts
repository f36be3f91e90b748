/** All migrations, in order. Listed and not read from disk, so that a bundle or a packed install cannot miss one. */
import type { Migration } from 'kysely'
import * as foundation from './0001_foundation.ts'
import * as idempotentRequests from './0002_idempotent_requests.ts'
import * as authMethods from './0003_auth_methods.ts'
import * as credentialCare from './0004_credential_care.ts'
import * as connectSessions from './0005_connect_sessions.ts'
import * as mappingsAndWrites from './0006_mappings_and_writes.ts'
import * as automations from './0007_automations.ts'
import * as inbox from './0008_inbox.ts'
import * as delivery from './0009_delivery.ts'
import * as budgetRates from './0010_budget_rates.ts'
import * as hookRules from './0011_hook_rules.ts'
import * as hookCare from './0012_hook_care.ts'
import * as tenancy from './0013_tenancy.ts'
import * as people from './0014_people.ts'
import * as keysAndTokens from './0015_keys_and_tokens.ts'
import * as rotations from './0016_rotations.ts'
import * as limits from './0017_limits.ts'
import * as partnerApi from './0018_partner_api.ts'
import * as brands from './0019_brands.ts'
import * as commissions from './0020_commissions.ts'
import * as health from './0021_health.ts'
import * as alerts from './0022_alerts.ts'
import * as integrity from './0023_integrity.ts'
import * as upkeep from './0024_upkeep.ts'
import * as diagnoses from './0025_diagnoses.ts'
import * as dependencyAudit from './0026_dependency_audit.ts'

export const migrations: Readonly<Record<string, Migration>> = {
  '0001_foundation': foundation,
  '0002_idempotent_requests': idempotentRequests,
  '0003_auth_methods': authMethods,
  '0004_credential_care': credentialCare,
  '0005_connect_sessions': connectSessions,
  '0006_mappings_and_writes': mappingsAndWrites,
  '0007_automations': automations,
  '0008_inbox': inbox,
  '0009_delivery': delivery,
  '0010_budget_rates': budgetRates,
  '0011_hook_rules': hookRules,
  '0012_hook_care': hookCare,
  '0013_tenancy': tenancy,
  '0014_people': people,
  '0015_keys_and_tokens': keysAndTokens,
  '0016_rotations': rotations,
  '0017_limits': limits,
  '0018_partner_api': partnerApi,
  '0019_brands': brands,
  '0020_commissions': commissions,
  '0021_health': health,
  '0022_alerts': alerts,
  '0023_integrity': integrity,
  '0024_upkeep': upkeep,
  '0025_diagnoses': diagnoses,
  '0026_dependency_audit': dependencyAudit,
}
