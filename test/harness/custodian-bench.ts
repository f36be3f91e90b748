/** What the custodian needs, in whatever process: real Postgres, real token endpoint, no Temporal. */
import { createProviderGate } from '../../activities/provider-gate.ts'
import { createCallStats } from '../../db/call-stats.ts'
import type { ActivityDeps } from '../../activities/deps.ts'
import type { Ward } from '../../activities/custodian-ward.ts'
import { openDatabase } from '../../db/client.ts'
import { createConnection, type ConnectionState } from '../../db/connections.ts'
import { putCredential } from '../../db/credentials.ts'
import { createLimiter } from '../../db/limits.ts'
import { ensureAccount, ensurePartner } from '../../db/partners.ts'
import { createVault } from '../../db/vault.ts'
import { defaultRetention } from '../../model/retention.ts'
import type { Clock } from '../../platform/clock.ts'
import { createLog } from '../../platform/log.ts'
import { createMetrics } from '../../platform/metrics.ts'
import { createMailer } from '../../platform/outbound/mail.ts'
import { createOutbound } from '../../platform/outbound/post.ts'
import { newId } from '../../platform/new-id.ts'
import { createIncidentLinks } from '../../platform/secrets/incident-link.ts'
import { parseKeyRing } from '../../platform/secrets/keyring.ts'
import type { OAuth2Auth, Secrets } from '../../providers/contract.ts'
import { createTrialMarks } from '../../platform/secrets/trial-mark.ts'
import { createOAuthClient } from '../../providers/http/oauth.ts'
import { createTransport } from '../../providers/http/transport.ts'
import { ledgerlyVariables } from './token-endpoint.ts'

export interface BenchOptions {
  readonly url: string
  readonly ring: string
  readonly originMap: Readonly<Record<string, string>>
  readonly name: string
  readonly clock: Clock
  readonly variables?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
}

/** Close with `deps.database.close()`. */
export function custodianDeps(options: BenchOptions): ActivityDeps {
  const { url, name, originMap, clock, timeoutMs, variables = ledgerlyVariables } = options
  const database = openDatabase({ url, applicationName: name, poolSize: 6 })
  const metrics = createMetrics()
  return {
    database,
    vault: createVault(parseKeyRing(options.ring)),
    transport: createTransport({ originMap, limiter: createLimiter(database.db), metrics, clock }),
    oauth: createOAuthClient({ originMap, clock, ...(timeoutMs === undefined ? {} : { timeoutMs }) }),
    appOf: async (_provider, { client }) => {
      const known: Readonly<Record<string, string | undefined>> = variables
      const clientId = known[client.idVariable]
      const clientSecret = known[client.secretVariable]
      return clientId && clientSecret ? { clientId, clientSecret } : undefined
    },
    metrics,
    callStats: createCallStats(database.db),
    gate: createProviderGate(database.db, clock),
    log: createLog('test', 'silent'),
    clock,
    config: {
      taskQueue: 'none',
      publicUrl: 'http://127.0.0.1:1',
      accessTokenSeconds: 900,
      retention: defaultRetention,
    },
    ensureSyncSchedule: async () => undefined,
    syncSoon: async () => undefined,
    checkHealthSoon: async () => undefined,
    outbound: createOutbound({ allowLoopback: true }),
    wakeEndpoint: async () => undefined,
    txtOf: () => Promise.resolve([]),
    brandName: () => Promise.resolve('Test'),
    mailer: createMailer({ allowLoopback: true }),
    incidentLinks: createIncidentLinks(parseKeyRing(options.ring)),
    wakeIncident: async () => undefined,
    trials: createTrialMarks(parseKeyRing(options.ring)),
    env: {},
    findProvider: () => undefined,
    providerSlugs: [],
  }
}

/** A connection with a partner, an account and a credential of its own. */
export async function makeWard(
  { database: { db }, vault }: ActivityDeps,
  method: OAuth2Auth,
  secrets: Secrets,
  state: Exclude<ConnectionState, 'deleted'> = 'active',
): Promise<Ward> {
  const partnerId = newId('partner')
  const accountId = newId('account')
  const connectionId = newId('connection')
  await ensurePartner(db, { partnerId, name: 'Partner' })
  await ensureAccount(db, { accountId, partnerId, name: 'Account' })
  const connection = {
    connectionId,
    partnerId,
    accountId,
    provider: 'ledgerly',
    auth: 'oauth',
    name: 'Books',
    settings: {},
  }
  await createConnection(db, connection)
  await putCredential(db, vault, connection, secrets)
  if (state !== 'active')
    await db.updateTable('connections').set({ state }).where('connectionId', '=', connectionId).execute()
  return {
    connectionId,
    partnerId,
    accountId,
    provider: 'ledgerly',
    providerName: 'Ledgerly',
    method,
    settings: {},
  }
}
