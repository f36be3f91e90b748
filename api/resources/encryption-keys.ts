/** The keys of the ring: what needs each, in the store and in Temporal. Claims nothing that was not counted. */
import { linksSignedBefore, ringHolders, ringKeyFacts, type RingKeyFacts } from '../../db/ring-keys.ts'
import type { components } from '../../openapi/types.ts'
import type { ApiDeps } from '../deps.ts'
import type { Handler } from '../operation.ts'

type Key = components['schemas']['EncryptionKey']

export const listEncryptionKeys: Handler<'listEncryptionKeys'> = async (deps) => {
  const { db } = deps.database
  const { currentId, ids } = deps.vault.ring
  const known = await ringKeyFacts(db)
  const missing = ids.filter((keyId) => !known.some((one) => one.keyId === keyId))
  const all = [
    ...missing.map((keyId) => ({ keyId, firstSeenAt: null, currentSince: null, dataKeys: 0 })),
    ...known,
  ]
  const items: Key[] = []
  for (const key of all) items.push(await show(deps, key, all, currentId))
  const processes = (await ringHolders(db)).map(({ seenAt, keyIds, ...holder }) => ({
    ...holder,
    keyIds: [...keyIds],
    seenAt: seenAt.toISOString(),
  }))
  return { status: 200, body: { items, processes } }
}

/** When another key took over from it; undefined for the current one and for one that never was. */
function supersededAt({ currentSince }: RingKeyFacts, all: readonly RingKeyFacts[]): Date | undefined {
  if (!currentSince) return undefined
  return all
    .flatMap((one) => (one.currentSince && one.currentSince > currentSince ? [one.currentSince] : []))
    .sort((a, b) => a.getTime() - b.getTime())[0]
}

async function show(
  deps: ApiDeps,
  key: RingKeyFacts,
  all: readonly RingKeyFacts[],
  currentId: string,
): Promise<Key> {
  const { keyId, dataKeys } = key
  const isCurrent = keyId === currentId
  // A key that no process has told about may have been current at any time until now.
  const until =
    supersededAt(key, all) ??
    (key.currentSince || isCurrent || key.firstSeenAt === null ? new Date() : undefined)
  const connectLinks = until ? await linksSignedBefore(deps.database.db, until) : 0
  const nothing = { running: 0, histories: 0, retentionSeconds: null }
  const temporal = until ? await deps.temporal.workflowsBefore(until).catch(() => null) : nothing
  const needs = [
    ...(isCurrent ? ['Everything new is sealed with it.'] : []),
    ...(dataKeys > 0
      ? [`It wraps ${dataKeys} data keys: rotate it ("tieline rotations start encryption_key ${keyId}").`]
      : []),
    ...(connectLinks > 0
      ? [`${connectLinks} connect links may be signed with it; they end within half an hour or so.`]
      : []),
    ...(temporal === null ? ['Temporal does not answer: what it keeps is not known.'] : []),
    ...(temporal && temporal.running > 0
      ? [`${temporal.running} workflows that began with it still run in Temporal.`]
      : []),
    ...(temporal && temporal.histories > temporal.running
      ? [
          `${temporal.histories - temporal.running} workflows that began with it have ended and are still kept in Temporal.`,
        ]
      : []),
  ]
  return {
    keyId,
    isCurrent,
    isInRing: deps.vault.ring.ids.includes(keyId),
    dataKeys,
    connectLinks,
    temporal,
    needs,
    mayBeRemoved: needs.length === 0,
  }
}
