/** What of a brand no schema can say: colours that can be read, links and addresses, texts with the names they may use. */
import type { BrandContent } from './brand.ts'
import { contrastProblems } from './brand-colors.ts'
import { english, isTextKey, namesIn } from './brand-texts.ts'
import { languageTag } from './languages.ts'

export interface BrandProblem {
  readonly pointer: string
  readonly detail: string
}

/** Line ends and other control characters, marks that turn the direction of what follows. */

export const unseen = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/

const mailAddress = /^[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/i

export function checkBrand(content: BrandContent): BrandProblem[] {
  // Postgres keeps neither NUL nor half a character.
  if (/\\u(?:d[89a-f]|0000)/i.test(JSON.stringify(content)))
    return [problem('', 'holds characters that are none (NUL, or half of a surrogate pair)')]
  return [
    ...plainTexts(content),
    ...contrastProblems(content.colors),
    ...links(content),
    ...addresses(content),
    ...languages(content),
  ]
}

const problem = (pointer: string, detail: string): BrandProblem => ({ pointer, detail })

function plainTexts({ name, sender, support }: BrandContent): BrandProblem[] {
  const given = [
    ['/name', name],
    ['/sender/name', sender?.name],
    ['/support/phone', support?.phone],
  ] as const
  return given.flatMap(([pointer, text]) => {
    if (text === undefined) return []
    if (unseen.test(text)) return [problem(pointer, 'must hold no line ends or other unseen characters')]
    return text.trim() === '' ? [problem(pointer, 'should have letters in it')] : []
  })
}

function links({ legal, support }: BrandContent): BrandProblem[] {
  const given = [
    ['/legal/imprint', legal?.imprint],
    ['/legal/privacy', legal?.privacy],
    ['/legal/terms', legal?.terms],
    ['/support/url', support?.url],
  ] as const
  return given.flatMap(([pointer, text]) => {
    if (text === undefined) return []
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (url?.protocol !== 'https:' || unseen.test(text))
      return [problem(pointer, 'should be a URL that begins with https://')]
    return url.username === '' && url.password === ''
      ? []
      : [problem(pointer, 'must hold no user name and no password')]
  })
}

function addresses({ sender, support }: BrandContent): BrandProblem[] {
  const given = [
    ['/sender/address', sender?.address],
    ['/sender/replyTo', sender?.replyTo],
    ['/support/email', support?.email],
  ] as const
  return given.flatMap(([pointer, text]) =>
    text === undefined || mailAddress.test(text)
      ? []
      : [problem(pointer, 'should be an e-mail address like help@example.com')],
  )
}

function languages({ texts = {}, defaultLanguage }: BrandContent): BrandProblem[] {
  const problems: BrandProblem[] = []
  const check = (pointer: string, tag: string): void => {
    const canonical = languageTag(tag)
    if (canonical === undefined)
      problems.push(problem(pointer, 'should be a language tag like "de" or "pt-BR" (BCP 47)'))
    else if (canonical !== tag) problems.push(problem(pointer, `should be written "${canonical}"`))
  }
  if (defaultLanguage !== undefined) check('/defaultLanguage', defaultLanguage)
  for (const [tag, own] of Object.entries(texts)) {
    check(`/texts/${tag}`, tag)
    for (const [key, text] of Object.entries(own)) {
      const pointer = `/texts/${tag}/${key}`
      if (!isTextKey(key)) problems.push(problem(pointer, 'is not the key of a text'))
      else if (unseen.test(text))
        problems.push(problem(pointer, 'must hold no line ends or unseen characters'))
      else {
        const known = namesIn(english[key])
        const stranger = namesIn(text).find((name) => !known.includes(name))
        if (stranger !== undefined) problems.push(problem(pointer, strangerText(stranger, known)))
      }
    }
  }
  return problems
}

const strangerText = (name: string, known: readonly string[]): string =>
  known.length === 0
    ? `{${name}} stands for nothing here`
    : `{${name}} stands for nothing here; known are ${known.map((one) => `{${one}}`).join(', ')}`
