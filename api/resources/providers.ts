/** The catalogue: what this hub can connect to. */
import type { components } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import type { Action, Provider, Report } from '../../providers/contract.ts'
import { providers, providerSlugs } from '../../providers/registry.ts'
import type { ApiDeps } from '../deps.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'
import { missingVariables } from './setup-values.ts'

type Schemas = components['schemas']

export const listProviders: Handler<'listProviders'> = async (deps, call) => {
  const after = positionOf(call, { slug: 'string' })
  const sorted = [...providers].sort((a, b) => (a.slug < b.slug ? -1 : 1))
  const rows = sorted.filter(({ slug }) => after === undefined || slug > after.slug)
  return listAnswer(
    call,
    rows.slice(0, rowsFor(call)),
    (provider) => summary(deps, provider),
    ({ slug }) => ({ slug }),
  )
}

export const getProvider: Handler<'getProvider'> = async (deps, call) => {
  const { provider: slug } = call.path
  const provider = deps.findProvider(slug)
  if (!provider)
    throw new HubError(
      'NoSuchThing',
      `There is no provider "${slug}". There are: ${providerSlugs.join(', ')}.`,
    )
  return { status: 200, body: { ...summary(deps, provider), ...details(provider) } }
}

function summary({ env }: ApiDeps, provider: Provider): Schemas['ProviderSummary'] {
  const { slug, name, category, apiVersion } = provider
  // Configured when any of its ways to connect is; else what the first way lacks.
  const lacks = provider.auth.map((method) => missingVariables(method, env))
  const missing = lacks.some((names) => names.length === 0) ? [] : (lacks[0] ?? [])
  return { slug, name, category, apiVersion, environment: { configured: missing.length === 0, missing } }
}

function details(provider: Provider) {
  const operation = (one: Action | Report): Schemas['ProviderOperation'] => ({
    name: one.name,
    fullName: `${provider.slug}.${one.name}`,
    title: one.title,
    description: one.description,
    input: { ...one.input },
    ...('cacheSeconds' in one ? { cacheSeconds: one.cacheSeconds } : {}),
    output: { ...one.output },
  })
  return {
    docs: provider.docs.map(({ title, url }) => ({ title, url })),
    auth: provider.auth.map((method) => ({
      name: method.name,
      title: method.title,
      kind: method.kind,
      setup: method.setup.map(({ title, text, fields }) => ({
        title,
        text,
        fields: fields.map((field) => ({ ...field })),
      })),
      scopes: method.kind === 'oauth2' ? method.scopes.map((scope) => ({ ...scope })) : [],
    })),
    resources: provider.resources.map(({ name, title, model, after, incremental, deletions }) => ({
      name,
      title,
      model,
      after: [...after],
      incremental,
      deletions,
    })),
    actions: provider.actions.map(operation),
    reports: provider.reports.map(operation),
  }
}
