/** The sample connections that `npm start` makes to the sandbox, so that there is something to sync at once. */
import { appendAudit } from '../../db/audit.ts'
import { openDatabase, type Db } from '../../db/client.ts'
import { createConnection, getConnection, type Connection } from '../../db/connections.ts'
import { putCredential } from '../../db/credentials.ts'
import { defaultTenant, ensureDefaultTenant } from '../../db/partners.ts'
import { isWatched } from '../../db/provider-health.ts'
import { createVault, type Vault } from '../../db/vault.ts'
import type { ServiceConfig } from '../../platform/config.ts'
import { sha256 } from '../../platform/secrets/hash.ts'
import { parseKeyRing } from '../../platform/secrets/keyring.ts'
import { connectTemporal } from '../../platform/temporal/connection.ts'
import { samples, type Sample } from '../../sandbox/samples.ts'
import { createHubClient } from '../../workflows/client.ts'

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** The same id at every start, so that a sample that was deleted on purpose is not made again. */
function sampleId({ provider, name }: Sample): string {
  const hash = sha256(`${provider}\n${name}`)
  return `con_${'0'.repeat(13)}${[...hash.subarray(0, 13)].map((byte) => alphabet.charAt(byte & 31)).join('')}`
}

/** Makes each sample connection that has never been there, and its schedule. Repeatable. Answers the providers' slugs. */
export async function connectSamples(config: ServiceConfig): Promise<string[]> {
  const ring = parseKeyRing(config.encryptionKeys)
  const database = openDatabase({ url: config.databaseUrl, poolSize: 2, applicationName: 'tieline-up' })
  const temporal = await connectTemporal({ temporal: config.temporal, ring })
  try {
    const { client, namespace } = temporal
    const hub = createHubClient({
      client,
      namespace,
      taskQueue: config.taskQueue,
      uiUrl: config.temporalUiUrl,
    })
    await ensureDefaultTenant(database.db)
    const first = samples.filter(({ isFirst }) => isFirst)
    for (const sample of first) {
      const connection = await ensureSample(database.db, createVault(ring), sample)
      if (connection.state === 'deleted') continue
      await hub.ensureSyncSchedule(connection)
      if (!(await isWatched(database.db, sample.provider))) await hub.checkHealthSoon(sample.provider)
    }
    return first.map((sample) => sample.provider)
  } finally {
    await Promise.all([temporal.close(), database.close()])
  }
}

async function ensureSample(db: Db, vault: Vault, sample: Sample): Promise<Connection> {
  const connectionId = sampleId(sample)
  const known = await getConnection(db, connectionId)
  if (known) return known
  const { partnerId, accountId } = defaultTenant
  const { provider, auth, name, settings } = sample
  return db.transaction().execute(async (tx) => {
    const made = await createConnection(tx, {
      connectionId,
      partnerId,
      accountId,
      provider,
      auth,
      name,
      settings,
      sandbox: true,
    })
    await putCredential(tx, vault, made, sample.secrets)
    await appendAudit(tx, {
      actor: 'admin',
      action: 'connection.created',
      subject: connectionId,
      partnerId,
      details: { provider, sample: true },
    })
    return made
  })
}
