/** `If-Match` on updates: change it only while it is as it was read. */

/** The version that the caller has read; undefined: whatever it is. What no `ETag` of ours looks like is no version there ever was. */
export function expectedVersion(header: string | undefined): number | undefined {
  const match = header?.trim()
  if (match === undefined || match === '*') return undefined
  return Number(/^"(\d{1,9})"$/.exec(match)?.[1] ?? -1)
}
