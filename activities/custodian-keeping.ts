/** Keeping credentials alive that nobody uses, and telling in time of those that nothing can keep. */
import { appendAudit } from '../db/audit.ts'
import { asTenant } from '../db/client.ts'
import { getConnection } from '../db/connections.ts'
import {
  listDying,
  listEndingAccess,
  noteWarned,
  type DyingCredential,
  type Way,
} from '../db/credential-keeping.ts'
import { eraseRevocationsBefore } from '../db/credential-revocations.ts'
import { openCredential } from '../db/credentials.ts'
import { authMethod } from '../providers/contract.ts'
import { renewUnused } from './custodian.ts'
import { wardOf } from './custodian-ward.ts'
import type { ActivityDeps } from './deps.ts'
import { failing } from './failure.ts'
import { whileBeating } from './steady.ts'

const dayMs = 24 * 3_600_000
const batch = 100

export interface DyingPage {
  readonly credentials: readonly DyingCredential[]
  /** Where the next page begins; null after the last one. */
  readonly next: string | null
}

async function listDyingCredentials(
  deps: ActivityDeps,
  { after }: { readonly after: string | null },
): Promise<DyingPage> {
  const ways = oauthWays(deps)
  const credentials = await listDying(deps.database.db, {
    ways,
    mortal: ways.filter(({ isMortal }) => isMortal),
    now: deps.clock.now(),
    after: after ?? undefined,
    limit: batch,
  })
  return { credentials, next: credentials.length < batch ? null : (credentials.at(-1)?.connectionId ?? null) }
}

function oauthWays(deps: ActivityDeps): (Way & { readonly isMortal: boolean })[] {
  return deps.providerSlugs.flatMap((provider) =>
    (deps.findProvider(provider)?.auth ?? []).flatMap((method) =>
      method.kind === 'oauth2'
        ? [{ provider, auth: method.name, isMortal: method.refresh.idleSeconds !== undefined }]
        : [],
    ),
  )
}

/** Uses a refresh token so that it lives on. False when there was nothing to do (any more). */
async function keepCredentialAlive(
  deps: ActivityDeps,
  { connectionId, generation }: { readonly connectionId: string; readonly generation: number },
): Promise<boolean> {
  const { database, vault } = deps
  const connection = await getConnection(database.db, connectionId)
  const provider = connection && deps.findProvider(connection.provider)
  const method = provider && authMethod(provider, connection.auth)
  if (!provider || connection.state === 'deleted' || method?.kind !== 'oauth2') return false
  const stored = await openCredential(database.db, vault, connectionId)
  if (stored?.generation !== generation || !stored.secrets['refresh_token']) return false
  await whileBeating(() => renewUnused(deps, wardOf(connection, provider, method), generation))
  return true
}

/** Tells of accesses that end within 14 days whatever the hub does: once each. Answers how many. */
async function warnOfEndingAccess(deps: ActivityDeps): Promise<number> {
  const before = new Date(deps.clock.now().getTime() + 14 * dayMs)
  let warned = 0
  for (;;) {
    const ending = await listEndingAccess(deps.database.db, before, batch)
    for (const one of ending) {
      const day = one.endsAt.toISOString().slice(0, 10)
      const text = `The access ends on ${day} and cannot be renewed beyond that. Connect the account again before.`
      await asTenant(deps.database.db, one.partnerId, async (tx) => {
        await noteWarned(tx, one, text)
        await appendAudit(tx, {
          actor: 'keepCredentialsAlive',
          action: 'credential.ends_soon',
          subject: one.connectionId,
          partnerId: one.partnerId,
          details: { endsAt: one.endsAt.toISOString(), who: 'account' },
        })
      })
    }
    warned += ending.length
    if (ending.length < batch) return warned
  }
}

/** Secrets of deleted connections that no workflow has come for within a day. Answers how many were erased. */
const eraseLeftRevocations = (deps: ActivityDeps): Promise<number> =>
  eraseRevocationsBefore(deps.database.db, new Date(deps.clock.now().getTime() - dayMs))

export function createKeepingActivities(deps: ActivityDeps) {
  return {
    listDyingCredentials: failing((input: Parameters<typeof listDyingCredentials>[1]) =>
      listDyingCredentials(deps, input),
    ),
    keepCredentialAlive: failing((input: Parameters<typeof keepCredentialAlive>[1]) =>
      keepCredentialAlive(deps, input),
    ),
    warnOfEndingAccess: failing((_input: Record<string, never>) => warnOfEndingAccess(deps)),
    eraseLeftRevocations: failing((_input: Record<string, never>) => eraseLeftRevocations(deps)),
  }
}
