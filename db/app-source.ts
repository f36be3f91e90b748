/**
 * The hub's own apps at providers as a process knows them: those that were entered through the API go before those of the environment.
 * Remembered, and looked up again as soon as one is changed anywhere.
 */
import { messageOf } from '../platform/errors.ts'
import type { Log } from '../platform/log.ts'
import type { Caches } from './caches.ts'
import type { Db } from './client.ts'
import { listProviderApps, type AppPair, type ProviderApp } from './provider-apps.ts'
import type { Vault } from './vault.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** The part of a way to connect that names the app's variables; `OAuth2Auth` fits. */
export interface AppMethod {
  readonly client: { readonly idVariable: string; readonly secretVariable: string }
}

export interface KnownApp extends AppPair {
  /** For a token request that is refused under the first, while a secret is being replaced. */
  readonly fallback?: AppPair
}

export interface AppSource {
  /** Undefined when it was neither entered nor is in the environment. */
  appOf(provider: string, method: AppMethod): Promise<KnownApp | undefined>
  /**
   * The environment with what was entered in the variables' places; kept up to date in place. A secret that is being replaced shows with
   * the other one, separated by a comma, as webhooks take them.
   */
  readonly environment: Environment
  /** Looks at the store again; resolves when `environment` shows what was committed before. */
  reload(): Promise<void>
}

export interface AppSourceOptions {
  readonly db: Db
  readonly vault: Vault
  readonly env: Environment
  /** Ways to connect of a provider that need an app. */
  methodsOf(provider: string): readonly AppMethod[]
  /** Tells of changes. Without it the store is asked every time. */
  readonly caches?: Pick<Caches, 'onChange'>
  readonly log?: Log
}

const againMs = 1_000

export function createAppSource(options: AppSourceOptions): AppSource {
  const { db, vault, env, methodsOf, caches, log } = options
  const environment: Record<string, string | undefined> = { ...env }
  let known = new Map<string, ProviderApp>()
  let loading: Promise<void> | undefined

  const look = async (): Promise<void> => {
    const apps = await listProviderApps(db, vault)
    for (const { client } of [...known.keys()].flatMap(methodsOf))
      for (const name of [client.idVariable, client.secretVariable]) environment[name] = env[name]
    known = new Map(apps.map((app) => [app.provider, app]))
    for (const { provider, current, other } of apps)
      for (const { client } of methodsOf(provider)) {
        environment[client.idVariable] = current.clientId
        // Both while it is replaced: some providers sign webhooks with it, and with which one is theirs to choose.
        environment[client.secretVariable] = [current, ...(other ? [other] : [])]
          .map(({ clientSecret }) => clientSecret)
          .join(',')
      }
  }
  // One look after another: the last one is the newest.
  const reload = (): Promise<void> => {
    const next = (loading ?? Promise.resolve()).catch(() => undefined).then(look)
    loading = next
    return next
  }
  const heard = (): void => {
    reload().catch((error: unknown) => {
      log?.warn({ reason: messageOf(error) }, 'the apps at providers cannot be looked up; trying again')
      setTimeout(heard, againMs).unref()
    })
  }
  if (caches) {
    caches.onChange('provider_app', heard)
    heard()
  }

  const fromEnvironment = ({ client }: AppMethod): KnownApp | undefined => {
    const clientId = env[client.idVariable]?.trim()
    const clientSecret = env[client.secretVariable]?.trim()
    return clientId && clientSecret ? { clientId, clientSecret } : undefined
  }

  return {
    environment,
    reload,
    appOf: async (provider, method) => {
      // What could not be looked up is no reason to take an app that may have been replaced: asked again.
      await (caches && loading ? loading.catch(reload) : reload())
      const app = known.get(provider)
      if (!app) return fromEnvironment(method)
      return app.other ? { ...app.current, fallback: app.other } : app.current
    },
  }
}
