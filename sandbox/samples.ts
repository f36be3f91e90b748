/** What the sandbox offers to a hub: sample connections, and the redirections and apps that lead to it. */
import { variablesOf } from '../providers/contract.ts'
import { findProvider } from '../providers/registry.ts'
import type { Sample } from './kit.ts'
import { originMapTo, simulators } from './simulators.ts'

export type { Sample } from './kit.ts'
export const samples: readonly Sample[] = simulators.map((simulator) => simulator.sample)

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Sends the calls of simulated providers to the sandbox at `url`, with the simulators' own OAuth apps; but not those of a
 * provider of which any variable is set: it is meant in earnest.
 */
export function sandboxFor(
  url: string,
  env: Environment,
): { readonly originMap: Record<string, string>; readonly variables: Record<string, string> } {
  const isSimulated = (slug: string): boolean => {
    const provider = findProvider(slug)
    return provider === undefined || variablesOf(provider).every((name) => (env[name] ?? '').trim() === '')
  }
  const variables: Record<string, string> = {}
  for (const { slug, app } of simulators) {
    if (!app || !isSimulated(slug)) continue
    for (const method of findProvider(slug)?.auth ?? []) {
      if (method.kind !== 'oauth2') continue
      variables[method.client.idVariable] = app.clientId
      variables[method.client.secretVariable] = app.clientSecret
    }
  }
  return { originMap: originMapTo(url, isSimulated), variables }
}
