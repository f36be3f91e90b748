/** Which connection a webhook is for, and what guards it. Looked up again after a few seconds, and whenever a check fails. */
import { hookSecretsOf } from '../../db/hook-secrets.ts'
import {
  openHookSettings,
  hookTarget,
  hookTargetsOf,
  type HookTarget,
  type OpenHookSettings,
} from '../../db/hook-settings.ts'
import type { Db } from '../../db/client.ts'
import type { Vault } from '../../db/vault.ts'
import type { HookSecrets, Webhooks } from '../../providers/contract-webhook.ts'
import { networksOf, type Networks } from '../address.ts'

const keptMs = 5_000
const mostKept = 20_000

export interface GuardedTarget {
  readonly target: HookTarget
  /** Undefined: its webhooks were never set up. */
  readonly guard: OpenHookSettings | undefined
  readonly isAllowed: Networks
}

export interface Targets {
  /** @param fresh looks at the store whatever is remembered. */
  byId(provider: string, connectionId: string, fresh: boolean): Promise<GuardedTarget | undefined>
  /** Connections by tenant; tenants without one are missing. */
  byTenants(
    provider: string,
    tenants: readonly string[],
    webhooks: Webhooks,
  ): Promise<Map<string, HookTarget[]>>
}

export function createTargets({ db, vault }: { readonly db: Db; readonly vault: Vault }): Targets {
  const byId = remembering<GuardedTarget | undefined>()
  const byTenant = remembering<readonly HookTarget[]>()

  const load = async (provider: string, connectionId: string): Promise<GuardedTarget | undefined> => {
    const target = await hookTarget(db, provider, connectionId)
    if (!target) return undefined
    const guard = await openHookSettings(db, vault, connectionId)
    const networks = guard?.settings.allowedNetworks ?? []
    return { target, guard, isAllowed: networks.length === 0 ? () => true : networksOf(networks) }
  }

  return {
    byId: (provider, connectionId, fresh) =>
      byId(`${provider}/${connectionId}`, () => load(provider, connectionId), fresh),
    async byTenants(provider, tenants, webhooks) {
      const found = new Map<string, HookTarget[]>()
      await Promise.all(
        [...new Set(tenants)].map(async (tenant) => {
          const targets = await byTenant(
            `${provider}/${tenant}`,
            () => hookTargetsOf(db, provider, [tenant], webhooks.tenantSetting),
            false,
          )
          if (targets.length > 0) found.set(tenant, [...targets])
        }),
      )
      return found
    },
  }
}

/** Remembers what was found for a few seconds; callers that ask at the same time share one look. A failure is not remembered. */
function remembering<T>() {
  const known = new Map<string, { readonly value: Promise<T>; readonly until: number }>()
  return (key: string, look: () => Promise<T>, fresh: boolean): Promise<T> => {
    const cached = known.get(key)
    if (!fresh && cached && cached.until > Date.now()) return cached.value
    if (known.size >= mostKept) known.clear()
    const value = look()
    known.set(key, { value, until: Date.now() + keptMs })
    value.catch(() => known.delete(key))
    return value
  }
}

/**
 * The values that a webhook may be made with: those of the connection, then those of the environment (of the provider's app).
 * The environment gives several separated by commas.
 */
export function secretsOf(
  webhooks: Webhooks,
  guard: OpenHookSettings | undefined,
  env: Readonly<Record<string, string | undefined>>,
  now: Date,
): HookSecrets {
  return hookSecretsOf(webhooks.secrets, guard, env, now)
}
