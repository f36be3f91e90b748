/** Where a request really goes: the provider's own origin, or, outside production, what the origin map puts in its place. */
import { HubError } from '../../platform/errors.ts'
import type { ProviderRequest } from '../contract.ts'

/** Real origin (one host label may be `*`) → replacement origin, with a path prefix if need be. */
export type OriginMap = Readonly<Record<string, string>>

export interface Target {
  readonly url: URL
  /** The real origin, sent along as `x-tieline-origin`; undefined when nothing was redirected. */
  readonly redirectedFrom: string | undefined
}

/** Also the segments `.` and `..`, encoded or not: the URL parser resolves them, and so would leave the prefix. */
const unsafePath = /[\\\s#?@]|\/(?:\.|%2e){1,2}(?:\/|$)/i

/**
 * Joins a base URL, a path and a query.
 * @throws HubError `Protocol` for a path that would leave the origin or a base that is not https: a mistake in a provider's
 *   folder, or an answer that was used as a path.
 */
export function targetOf(
  originMap: OriginMap,
  baseUrl: string,
  path: string,
  query: ProviderRequest['query'] = {},
): Target {
  const base = new URL(baseUrl)
  const unsafe = !path.startsWith('/') || path.startsWith('//') || unsafePath.test(path)
  if (unsafe || base.protocol !== 'https:') {
    throw new HubError('Protocol', 'A request was not sent because its address is not safe', {
      internal: `path ${path.replace(/[?#].*/s, '').slice(0, 80)}`,
    })
  }
  const replacement = replacementFor(originMap, base)
  const to = new URL(replacement ?? base.origin)
  const url = new URL(withoutSlash(to.pathname) + withoutSlash(base.pathname) + path, to.origin)
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) url.searchParams.set(name, String(value))
  return { url, redirectedFrom: replacement === undefined ? undefined : base.origin }
}

const withoutSlash = (path: string): string => path.replace(/\/+$/, '')

function replacementFor(originMap: OriginMap, base: URL): string | undefined {
  const exact = originMap[base.origin]
  if (exact !== undefined) return exact
  const [, ...rest] = base.hostname.split('.')
  const port = base.port === '' ? '' : `:${base.port}`
  return originMap[`${base.protocol}//*.${rest.join('.')}${port}`]
}
