/** The hub's own apps at providers: entered here, sealed, in force before the environment. */
import { appendAudit } from '../../db/audit.ts'
import { inTransaction } from '../../db/client.ts'
import {
  getProviderApp as findApp,
  putProviderApp as storeApp,
  type AppPair,
} from '../../db/provider-apps.ts'
import { rotationUnderWay, type Rotation } from '../../db/rotations.ts'
import type { components } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import { appMethodsOf, type OAuth2Auth, type Provider } from '../../providers/contract.ts'
import type { ApiDeps } from '../deps.ts'
import { etagOf, isMatch } from '../etag.ts'
import type { Handler } from '../operation.ts'
import { invalidInput } from '../problem.ts'

type Schemas = components['schemas']

function methodOf({ findProvider }: ApiDeps, slug: string): { provider: Provider; method: OAuth2Auth } {
  const provider = findProvider(slug)
  const [method] = appMethodsOf(provider)
  if (provider && method) return { provider, method }
  const text = provider
    ? `The hub needs no app of its own at ${provider.name}.`
    : `There is no provider "${slug}".`
  throw new HubError('NoSuchThing', text)
}

async function show(deps: ApiDeps, slug: string): Promise<Schemas['ProviderApp']> {
  const { method } = methodOf(deps, slug)
  const stored = await findApp(deps.database.db, deps.vault, slug)
  if (stored) {
    const { current, other, version, updatedBy, updatedAt } = stored
    return {
      provider: slug,
      clientId: current.clientId,
      source: 'entered',
      other: other?.is ?? null,
      version,
      updatedBy,
      updatedAt: updatedAt.toISOString(),
    }
  }
  const app = await deps.apps.appOf(slug, method)
  return {
    provider: slug,
    clientId: app?.clientId ?? null,
    source: app ? 'environment' : 'none',
    ...{ other: null, version: 0, updatedBy: null, updatedAt: null },
  }
}

export const getProviderApp: Handler<'getProviderApp'> = async (deps, { path }) => {
  const body = await show(deps, path.provider)
  return { status: 200, body, headers: { ETag: etagOf(body) } }
}

export const putProviderApp: Handler<'putProviderApp'> = async (deps, { path, header, body, caller }) => {
  const { method } = methodOf(deps, path.provider)
  const slug = path.provider
  const { db } = deps.database
  const stored = await findApp(db, deps.vault, slug)
  const version = stored?.version ?? 0
  if (!isMatch(header['If-Match'], etagOf({ version })))
    throw new HubError('PreconditionFailed', 'The app was changed meanwhile. Read it again.')
  const known: AppPair | undefined = stored?.current ?? (await deps.apps.appOf(slug, method))
  const rotation = await rotationUnderWay(db, 'client_secret', slug)
  const { current, other } = rotation ? offered(rotation, known, body) : replaced(known, body)
  await inTransaction(db, async (tx) => {
    await storeApp(tx, deps.vault, { provider: slug, current, other, updatedBy: caller.name }, version)
    await appendAudit(tx, {
      actor: caller.name,
      action: 'provider_app.entered',
      subject: slug,
      details: { clientId: current.clientId, rotationId: rotation?.rotationId ?? null },
    })
  })
  await deps.apps.reload()
  if (rotation)
    await deps.temporal
      .nudgeRotation(rotation)
      .catch((err: unknown) => deps.log.warn({ err }, 'a rotation looks again later'))
  const after = await show(deps, slug)
  return { status: 200, body: after, headers: { ETag: etagOf(after) } }
}

type Entry = Schemas['ProviderAppEntry']

/** While its secret is being replaced: the new one beside the old one, until it is proven. */
function offered(rotation: Rotation, known: AppPair | undefined, entry: Entry) {
  if (rotation.inPlaceAt || !known)
    throw new HubError(
      'StateConflict',
      'The new secret is in force already. End this rotation first ("confirm").',
    )
  if (entry.clientId !== undefined && entry.clientId !== known.clientId)
    throw new HubError(
      'StateConflict',
      'This is another app. While its secret is being replaced the app stays the same.',
    )
  if (entry.clientSecret === known.clientSecret)
    throw new HubError('StateConflict', 'This is the secret that is to be replaced. Enter the new one.')
  const { clientId } = known
  return { current: known, other: { clientId, clientSecret: entry.clientSecret, is: 'entered' as const } }
}

function replaced(known: AppPair | undefined, { clientId = known?.clientId, clientSecret }: Entry) {
  if (clientId === undefined)
    throw invalidInput([
      { in: 'body', pointer: '/clientId', detail: 'is needed: the hub has no app there yet' },
    ])
  return { current: { clientId, clientSecret }, other: null }
}
