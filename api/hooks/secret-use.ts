/**
 * Which value of a secret a webhook was signed with, noted while a secret is being replaced: what tells that the old one may go. Costs a
 * second look at the signature then, and nothing otherwise; notes gather for a second, so that a burst writes one row per value.
 */
import { noteSecretUses, type SecretUse } from '../../db/secret-uses.ts'
import type { SecretValue } from '../../db/hook-settings.ts'
import type { Db } from '../../db/client.ts'
import { messageOf } from '../../platform/errors.ts'
import type { Log } from '../../platform/log.ts'
import { timingSafeEqualText } from '../../platform/secrets/hash.ts'
import { urlKey, type HookRequest, type HookSecrets } from '../../providers/contract-webhook.ts'
import type { HookSource } from '../../providers/registry.ts'
import type { GuardedTarget } from './targets.ts'

const gatherMs = 1_000

export interface SecretUses {
  note(subject: string, valueIds: readonly string[], at: Date): void
}

export function createSecretUses(db: Db, log: Pick<Log, 'warn'>): SecretUses {
  let seen = new Map<string, SecretUse>()
  let timer: NodeJS.Timeout | undefined
  const add = (one: SecretUse): void => {
    const { valueId } = one
    const known = seen.get(valueId)
    if (known) {
      const last = known.lastUsedAt > one.lastUsedAt ? known.lastUsedAt : one.lastUsedAt
      seen.set(valueId, { ...known, lastUsedAt: last, uses: known.uses + one.uses })
    } else seen.set(valueId, one)
    timer ??= setTimeout(() => void flush(), gatherMs)
    timer.unref()
  }
  const flush = async (): Promise<void> => {
    timer = undefined
    const gathered = [...seen.values()]
    seen = new Map()
    try {
      await noteSecretUses(db, gathered)
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'which secrets were used could not be noted; tried again')
      for (const one of gathered) add(one)
    }
  }
  return {
    note: (subject, valueIds, at) => {
      for (const valueId of valueIds) add({ valueId, subject, firstUsedAt: at, lastUsedAt: at, uses: 1 })
    },
  }
}

/** Ids of the values that a genuine webhook shows in use, of secrets that have several with ids. */
export function usedValues(
  source: HookSource,
  request: HookRequest,
  secrets: HookSecrets,
  { guard, target }: GuardedTarget,
): string[] {
  return Object.entries(guard?.secrets ?? {}).flatMap(([name, values]) => {
    const living = values.filter(
      ({ until }) => until === null || Date.parse(until) > request.receivedAt.getTime(),
    )
    if (living.length < 2 || !living.some(({ id }) => id !== undefined)) return []
    const isGenuine =
      name === urlKey
        ? keyed(request)
        : (only: readonly SecretValue[]): boolean => {
            const tried = { ...secrets, [name]: only.map(({ value }) => value) }
            return source.webhooks.verify(request, tried, target.settings).every(({ passed }) => passed)
          }
    // What is genuine without it says nothing of it: another secret has signed.
    if (isGenuine([])) return []
    const used = living.find((one) => isGenuine([one]))
    return used?.id === undefined ? [] : [used.id]
  })
}

const keyed =
  ({ url }: HookRequest) =>
  (only: readonly SecretValue[]): boolean =>
    only.some(({ value }) => timingSafeEqualText(url.searchParams.get('key') ?? '', value))
