/** Languages of texts: BCP 47 tags, the chain that is searched for a text, and the way it is written. */

/** The tag in its canonical form (`de-at` → `de-AT`); undefined for what is none. */
export function languageTag(text: string): string | undefined {
  if (text.length > 35) return undefined
  try {
    return Intl.getCanonicalLocales(text)[0]
  } catch {
    return undefined
  }
}

/** The tag and what it is a kind of: `zh-Hant-TW` → `zh-Hant-TW`, `zh-Hant`, `zh`. */
export function widening(tag: string): readonly string[] {
  const parts = tag.split('-')
  return parts.map((_part, index) => parts.slice(0, parts.length - index).join('-'))
}

const rightToLeft: readonly string[] = ['Arab', 'Hebr', 'Thaa', 'Syrc', 'Nkoo', 'Adlm', 'Rohg']

export function directionOf(tag: string): 'ltr' | 'rtl' {
  const { script } = new Intl.Locale(tag).maximize()
  return script !== undefined && rightToLeft.includes(script) ? 'rtl' : 'ltr'
}

/**
 * The language of a page: the first that the person prefers and that there are texts in, be it in a wider form.
 * @param preferred best first.
 */
export function choose(
  preferred: readonly string[],
  available: readonly string[],
  otherwise: string,
): string {
  for (const wish of preferred) {
    const tag = languageTag(wish)
    if (tag === undefined) continue
    const found = widening(tag).find((one) => available.includes(one))
    if (found !== undefined) return found
    // Somebody who wants German is served by Swiss German, where there is no other.
    const narrower = available.find((one) => one.startsWith(`${tag}-`))
    if (narrower !== undefined) return narrower
  }
  return otherwise
}
