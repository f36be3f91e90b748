/** What is left to do of a provider, one line each. Exit code 0: nothing; 1: something; 2: it is not in the registry. */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Provider } from '../providers/contract.ts'
import { findProvider } from '../providers/registry.ts'
import { simulators } from '../sandbox/simulators.ts'

const slug = process.argv[2] ?? ''
const folder = path.resolve(import.meta.dirname, '..', 'providers', slug)

/** Things that a provider of which nothing is left to do has. */
function leftToDo(provider: Provider): string[] {
  const simulator = simulators.find((one) => one.slug === slug)
  const readme = path.join(folder, 'README.md')
  const facts = existsSync(readme) ? readFileSync(readme, 'utf8') : ''
  const resources = provider.resources
  const checks: readonly (readonly [boolean, string])[] = [
    [provider.docs.length > 0, 'docs: link the pages that the code was written from'],
    [
      provider.auth.every((method) => method.kind === 'oauth2' || method.setup.length > 0),
      'auth: setup steps with the fields to fill in',
    ],
    [
      Object.keys(provider.limits.buckets).length > 0,
      "limits: the provider's rate limits as buckets, and what its headers teach",
    ],
    [resources.length > 0, 'resources: at least one, with schema, mapping and the way it is read'],
    [resources.every(({ mapping }) => mapping.rules.length > 1), 'mapping: more than the id'],
    [
      resources.some(({ getMany }) => getMany),
      'resources: reading by id (getMany), for writes and for what a scan did not see',
    ],
    [provider.actions.length > 0, 'actions: what the hub can do there'],
    [provider.reports.length > 0, 'reports: what the hub can ask there'],
    [facts.includes('http'), 'README.md: the facts, each with its source and the date it was read'],
    [!/\(look up\)/i.test(facts), 'README.md: facts that are still to be looked up'],
    [simulator !== undefined, 'sandbox/simulators.ts: one line for the simulator'],
    [
      simulator !== undefined && Object.values(simulator.defaultSize).some((size) => size > 0),
      'simulator: an account with objects in it, pages, limits, refusals',
    ],
  ]
  return checks.filter(([done]) => !done).map(([, what]) => what)
}

const provider = findProvider(slug)
if (!provider) {
  console.error(`providers/registry.ts does not list "${slug}": add its line there.`)
  process.exit(2)
}
const left = leftToDo(provider)
if (left.length > 0)
  console.log(`Left to do of ${provider.name}:\n${left.map((what) => `  [ ] ${what}`).join('\n')}\n`)
process.exit(left.length > 0 ? 1 : 0)
