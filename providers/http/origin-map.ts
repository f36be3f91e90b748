/** Where a request really goes: the provider's own origin, or, outside production, what the origin map puts in its place. */
import { HubError } from '../../platform/errors.ts'

/** Real origin (one host label may be `*`) → replacement origin, with a path prefix if need be. */
export type OriginMap = Readonly<Record<string, string>>

export interface Target {
  readonly url: URL
  /** The real origin, sent along as `x-tieline-origin`; undefined when nothing was redirected. */
  readonly redirectedFrom: string | undefined
}

/**
 * Joins a base URL and a path.
 * @throws HubError `Protocol` for a path that would leave the origin or a base that is not https: a mistake in a provider's
 *   folder, or an answer that was used as a path.
 */
export function targetOf(originMap: OriginMap, baseUrl: string, path: string): Target {
  const base = new URL(baseUrl)
  const unsafe = !path.startsWith('/') || path.startsWith('//') || /[\\\s#?@]|\/\.{1,2}(\/|$)/.test(path)
  if (unsafe || base.protocol !== 'https:') {
    throw new HubError('Protocol', 'A request was not sent because its address is not safe', {
      internal: `path ${path.slice(0, 80)}`,
    })
  }
  const replacement = replacementFor(originMap, base)
  if (replacement === undefined)
    return { url: new URL(base.pathname.replace(/\/$/, '') + path, base.origin), redirectedFrom: undefined }
  const to = new URL(replacement)
  const prefix = to.pathname.replace(/\/$/, '') + base.pathname.replace(/\/$/, '')
  return { url: new URL(prefix + path, to.origin), redirectedFrom: base.origin }
}

function replacementFor(originMap: OriginMap, base: URL): string | undefined {
  const exact = originMap[base.origin]
  if (exact !== undefined) return exact
  const [, ...rest] = base.hostname.split('.')
  const port = base.port === '' ? '' : `:${base.port}`
  return originMap[`${base.protocol}//*.${rest.join('.')}${port}`]
}
