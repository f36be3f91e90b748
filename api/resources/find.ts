/** Loads what a path or a body names, or says that it is not there. */
import { getConnection, type Connection } from '../../db/connections.ts'
import { getRun, type Run } from '../../db/runs.ts'
import { HubError } from '../../platform/errors.ts'
import { authMethod, type AuthMethod, type Provider } from '../../providers/contract.ts'
import { findHookSource, providerSlugs, receivers } from '../../providers/registry.ts'
import type { ApiDeps } from '../deps.ts'
import { invalidInput, type Problem } from '../problem.ts'

/** A connection in whatever state. @throws HubError `NoSuchThing`. */
export async function connectionOf({ database }: ApiDeps, connectionId: string): Promise<Connection> {
  const connection = await getConnection(database.db, connectionId)
  if (!connection) throw new HubError('NoSuchThing', `There is no connection "${connectionId}".`)
  return connection
}

/** One that is not deleted. @throws HubError `NoSuchThing`. */
export async function livingConnection(deps: ApiDeps, connectionId: string): Promise<Connection> {
  const connection = await connectionOf(deps, connectionId)
  if (connection.state === 'deleted')
    throw new HubError('NoSuchThing', `The connection "${connectionId}" has been deleted.`)
  return connection
}

/** One that may call its provider. @throws HubError `NoSuchThing`, `StateConflict` for a paused one. */
export async function usableConnection(deps: ApiDeps, connectionId: string): Promise<Connection> {
  const connection = await livingConnection(deps, connectionId)
  if (connection.state === 'paused')
    throw new HubError('StateConflict', `The connection "${connection.name}" is paused. Resume it first.`)
  return connection
}

/** The provider of a connection. @throws HubError `NotConfigured` for one that this build does not have. */
export function providerOf(
  { findProvider }: ApiDeps,
  { provider: slug }: Pick<Connection, 'provider'>,
): Provider {
  const provider = findProvider(slug)
  if (provider) return provider
  const receiver = findHookSource(slug)
  throw new HubError(
    'NotConfigured',
    receiver
      ? `The hub receives the webhooks of ${receiver.name}; it does not read or write there yet.`
      : `This hub does not know the provider "${slug}".`,
  )
}

/** How a connection shows itself. @throws HubError `NotConfigured` for a way that this build does not have. */
export function methodOf(deps: ApiDeps, connection: Pick<Connection, 'provider' | 'auth'>): AuthMethod {
  const provider = providerOf(deps, connection)
  const method = authMethod(provider, connection.auth)
  if (method) return method
  const text = `${provider.name} has no way to connect that is called "${connection.auth}".`
  throw new HubError('NotConfigured', text)
}

/** The provider that a body names. @throws InvalidInput with the ones there are. */
export function givenProvider({ findProvider }: ApiDeps, slug: string): Provider {
  const provider = findProvider(slug)
  if (provider) return provider
  throw invalidInput([
    {
      in: 'body',
      pointer: '/provider',
      detail: `should be one of ${[...providerSlugs, ...receivers.map((one) => one.slug)].join(', ')}`,
    },
  ])
}

/** @throws InvalidInput for names that none of the providers has. */
export function checkResourceNames(
  providers: readonly Provider[],
  names: readonly string[] | undefined,
): void {
  const known = [...new Set(providers.flatMap((provider) => provider.resources.map(({ name }) => name)))]
  const errors: NonNullable<Problem['errors']> = []
  names?.forEach((name, index) => {
    if (known.includes(name)) return
    const detail = `should be one of ${known.join(', ')}`
    errors.push({ in: 'body', pointer: `/resources/${index}`, detail })
  })
  if (errors.length > 0) throw invalidInput(errors)
}

/** @throws HubError `NoSuchThing`. */
export async function runOf({ database }: ApiDeps, runId: string): Promise<Run> {
  const run = await getRun(database.db, runId)
  if (!run) throw new HubError('NoSuchThing', `There is no run "${runId}".`)
  return run
}
