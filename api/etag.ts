/** Versions of things as ETags, and what `If-Match` says of them. */
import { HubError } from '../platform/errors.ts'

export const etagOf = ({ version }: { readonly version: number }): string => `"${version}"`

/** The version in an `If-Match` header; undefined when there is none or any will do. */
export function expectedVersion(ifMatch: string | undefined): number | undefined {
  if (ifMatch === undefined || ifMatch.trim() === '*') return undefined
  const [, version] = /^"(\d{1,9})"$/.exec(ifMatch.trim()) ?? []
  // An ETag that the hub did not make matches nothing.
  return version === undefined ? -1 : Number(version)
}

/** Whether what the caller has read is what there is: it has this ETag, or the caller does not care. */
export function isMatch(ifMatch: string | undefined, etag: string): boolean {
  const given = ifMatch?.trim()
  return given === undefined || given === '*' || given === etag
}

/** @param what as in `The partner`. */
export const hasChanged = (what: string): HubError =>
  new HubError('PreconditionFailed', `${what} has changed. Read it again and decide anew.`)
