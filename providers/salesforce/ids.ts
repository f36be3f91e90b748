/** Ids of Salesforce: 15 letters and digits in which case counts, and three more that say which letters are capitals. */

/**
 * The 18 characters of an id that was given with 15; anything else as it is.
 * Source: the example of `CASESAFEID` in many places, read 2026-11-24: gist hynekcer/0f8416c8bf05316141bed12a749af33a.
 */
export function caseSafeId(id: string): string {
  if (!/^[A-Za-z0-9]{15}$/.test(id)) return id
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345'
  const suffix = [0, 5, 10].map((start) => {
    const bits = [...id.slice(start, start + 5)].map((letter, place) =>
      /[A-Z]/.test(letter) ? 1 << place : 0,
    )
    return letters[bits.reduce((sum, bit) => sum + bit, 0)] ?? ''
  })
  return id + suffix.join('')
}
