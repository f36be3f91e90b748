/** What `If-Match` expects: the version of a thing. */

/** Undefined: any. A tag that the hub never gave matches nothing. */
export function expectedVersion(header: { readonly 'If-Match'?: string }): number | undefined {
  const match = header['If-Match']?.trim()
  if (match === undefined || match === '*') return undefined
  return Number(/^"(\d{1,9})"$/.exec(match)?.[1] ?? -1)
}

export const etagOf = ({ version }: { readonly version: number }): string => `"${version}"`
