/** Replacing the secret of the hub's own app at a provider: a person makes it there and enters it here; the hub proves and switches. */
import { inTransaction } from '../db/client.ts'
import { listConnections } from '../db/connections.ts'
import { openCredential } from '../db/credentials.ts'
import { getProviderApp, putProviderApp, type ProviderApp } from '../db/provider-apps.ts'
import { changeRotation, endRotationOf, lockRotation, openRotationOf } from '../db/rotations.ts'
import { graceSeconds } from '../model/rotation.ts'
import { HubError, isHubError } from '../platform/errors.ts'
import { appMethodsOf, authMethod, type OAuth2Auth, type Provider } from '../providers/contract.ts'
import { clientSecretSteps } from './client-secret-steps.ts'
import { renewUnused } from './custodian.ts'
import { wardOf } from './custodian-ward.ts'
import type { ActivityDeps } from './deps.ts'
import { failing } from './failure.ts'
import { factsOf, livingRotation, type RotationFacts, type RotationKey } from './rotations.ts'
import { whileBeating } from './steady.ts'

const actor = 'rotateClientSecret'

interface Wish {
  readonly provider: string
  readonly graceSeconds?: number
  readonly startedBy?: string
}

export interface AppFacts extends RotationFacts {
  readonly providerName: string
}

function methodOf(deps: ActivityDeps, slug: string): { provider: Provider; method: OAuth2Auth } {
  const provider = deps.findProvider(slug)
  const [method] = appMethodsOf(provider)
  if (provider && method) return { provider, method }
  throw new HubError('InvalidInput', `The hub has no app of its own at "${slug}".`)
}

async function begin(deps: ActivityDeps, wish: Wish): Promise<AppFacts> {
  const { provider, method } = methodOf(deps, wish.provider)
  if (!(await deps.appOf(provider.slug, method)))
    throw new HubError(
      'StateConflict',
      `The hub’s app at ${provider.name} is not configured: there is nothing to replace.`,
    )
  const { rotation } = await openRotationOf(deps.database.db, {
    ...{ kind: 'client_secret', subject: provider.slug, partnerId: null, facts: {} },
    graceSeconds: wish.graceSeconds ?? graceSeconds.usual,
    mostGraceSeconds: Math.max(graceSeconds.most, wish.graceSeconds ?? 0),
    startedBy: wish.startedBy ?? 'temporal',
  })
  return { ...factsOf(rotation), providerName: provider.name }
}

/** What a person does at the provider, with what is known of its rules. */
async function steps(
  deps: ActivityDeps,
  { rotationId, part }: RotationKey & { readonly part: 'make' | 'delete' },
): Promise<string[]> {
  const { subject } = await livingRotation(deps, { rotationId })
  const { provider, method } = methodOf(deps, subject)
  return clientSecretSteps({ part, rotationId, provider, secretChange: method.client.secretChange })
}

/** Whether the new secret was entered. */
async function entered(deps: ActivityDeps, key: RotationKey): Promise<boolean> {
  const { subject } = await livingRotation(deps, key)
  return (await getProviderApp(deps.database.db, deps.vault, subject))?.other?.is === 'entered'
}

export type AppProof =
  /** With which connection; null: there is none that could be used. */
  | { readonly ok: true; readonly connectionId: string | null }
  | { readonly ok: false; readonly message: string }

/** One refresh of tokens with the new secret. Should the provider refuse it the old one gets the tokens: nothing is lost. */
async function prove(deps: ActivityDeps, key: RotationKey): Promise<AppProof> {
  const { subject } = await livingRotation(deps, key)
  const app = await appOf(deps, subject)
  if (app.other?.is === 'old') return { ok: true, connectionId: null }
  if (!app.other) throw new HubError('Superseded', 'The new secret was not entered.')
  const { current, other } = app
  const { provider } = methodOf(deps, subject)
  const { db } = deps.database
  const candidates = await listConnections(db, { provider: subject, state: 'active', limit: 20 })
  for (const connection of candidates) {
    const method = authMethod(provider, connection.auth)
    if (method?.kind !== 'oauth2') continue
    const stored = await openCredential(db, deps.vault, connection.connectionId)
    if (!stored?.secrets['refresh_token']) continue
    let isRefused = false
    const offered = { ...other, fallback: current, onRefused: () => void (isRefused = true) }
    const trying = { ...deps, appOf: () => Promise.resolve(offered) }
    try {
      await whileBeating(() => renewUnused(trying, wardOf(connection, provider, method), stored.generation))
    } catch (error) {
      // Of this connection, or of the moment: another one tells as well.
      if (!isHubError(error)) throw error
      continue
    }
    return isRefused
      ? {
          ok: false,
          message: `${provider.name} refuses the new secret. Enter it again; the old one stays in force.`,
        }
      : { ok: true, connectionId: connection.connectionId }
  }
  return { ok: true, connectionId: null }
}

async function appOf(deps: ActivityDeps, slug: string): Promise<ProviderApp> {
  const app = await getProviderApp(deps.database.db, deps.vault, slug)
  if (!app) throw new HubError('Superseded', 'The app of this provider was taken away.')
  return app
}

/** The new one first, the old one behind it. Repeatable. */
async function switchApp(deps: ActivityDeps, { rotationId }: RotationKey): Promise<void> {
  const { subject } = await livingRotation(deps, { rotationId })
  await inTransaction(deps.database.db, async (tx) => {
    await lockRotation(tx, rotationId)
    const app = await getProviderApp(tx, deps.vault, subject)
    if (app?.other?.is !== 'entered') return
    const other = { ...app.current, is: 'old' as const }
    const after = { provider: subject, current: app.other, other, updatedBy: actor }
    await putProviderApp(tx, deps.vault, after, app.version)
    await changeRotation(tx, rotationId, { state: 'overlap', inPlaceAt: deps.clock.now() })
  })
}

interface End extends RotationKey {
  readonly state: 'done' | 'cancelled' | 'failed'
  readonly steps: readonly string[]
}

/** Forgets the other one, old or entered and not proven, and ends the rotation. Repeatable. */
async function end(deps: ActivityDeps, { rotationId, ...ended }: End): Promise<void> {
  await inTransaction(deps.database.db, async (tx) => {
    const { subject } = await lockRotation(tx, rotationId)
    const app = await getProviderApp(tx, deps.vault, subject)
    if (app?.other)
      await putProviderApp(tx, deps.vault, { ...app, other: null, updatedBy: actor }, app.version)
    await endRotationOf(tx, rotationId, { ...ended, actor })
  })
}

export function createAppRotationActivities(deps: ActivityDeps) {
  return {
    beginAppRotation: failing((input: Wish) => begin(deps, input)),
    describeAppSteps: failing((input: Parameters<typeof steps>[1]) => steps(deps, input)),
    isAppEntered: failing((input: RotationKey) => entered(deps, input)),
    proveApp: failing((input: RotationKey) => prove(deps, input)),
    switchApp: failing((input: RotationKey) => switchApp(deps, input)),
    endAppRotation: failing((input: End) => end(deps, input)),
  }
}
