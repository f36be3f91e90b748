/**
 * An e-mail in a partner's brand, as HTML and as text, with its headers. Sends nothing: a channel that does is given what comes out of here.
 * HTML of e-mails is tables and inline styles, for that is what mail programs read; every text in it is escaped.
 */
import { fontStacks, type Brand } from '../../model/brand.ts'
import { textsIn } from '../../model/brand-texts.ts'
import { directionOf } from '../../model/languages.ts'
import { markup, type Html } from '../../model/markup.ts'

export interface Letter {
  readonly subject: string
  readonly heading: string
  readonly paragraphs: readonly string[]
  readonly action?: { readonly label: string; readonly url: string }
  /** Preferred ones of the reader, best first; the brand's when left out. */
  readonly languages?: readonly string[]
}

export interface Mail {
  /** As headers have them; null: the channel's own address. */
  readonly from: string | null
  readonly replyTo: string | null
  readonly subject: string
  readonly html: string
  readonly text: string
}

/** What mail programs show; most of them show no SVG. */
export interface MailLogo {
  /** Absolute. */
  readonly url: string
  readonly mediaType: string
}

export function renderMail(brand: Brand, letter: Letter, logo?: MailLogo): Mail {
  const { content, name } = brand
  const { sender, support } = content
  const shown = { ...letter, subject: oneLine(letter.subject) }
  return {
    from: sender?.address === undefined ? null : mailbox(sender.name ?? name, sender.address),
    replyTo: sender?.replyTo ?? support?.email ?? null,
    subject: shown.subject,
    html: htmlOf(brand, shown, logo),
    text: textOf(brand, shown),
  }
}

/** A header ends where its line does: nothing in a name may end it. */

const oneLine = (text: string): string =>
  text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim()

/** `"Name" <address>` (RFC 5322); a name beyond ASCII as encoded words (RFC 2047), each of at most 75 characters. */
export function mailbox(given: string, address: string): string {
  const name = oneLine(given)
  if (/^[\x20-\x7e]*$/.test(name)) return `"${name.replace(/[\\"]/g, (sign) => `\\${sign}`)}" <${address}>`
  return `${encodedWords(name)} <${address}>`
}

/** 45 bytes make 60 characters of base64; no letter is torn apart. */
function encodedWords(text: string): string {
  const words: string[] = []
  let word = ''
  for (const letter of text) {
    if (Buffer.byteLength(word + letter) > 45) {
      words.push(word)
      word = ''
    }
    word += letter
  }
  return [...words, word].map((one) => `=?UTF-8?B?${Buffer.from(one).toString('base64')}?=`).join(' ')
}

function htmlOf(brand: Brand, letter: Letter, logo: MailLogo | undefined): string {
  const { content, palettes, name } = brand
  const { light: colors } = palettes
  const { language, t } = textsIn(letter.languages ?? [], content)
  const font = fontStacks[content.font?.stack ?? 'system'].replaceAll("'", '')
  const base = `font-family:${font};font-size:16px;line-height:1.55;color:${colors.text}`
  const quiet = `font-family:${font};font-size:13px;line-height:1.5;color:${colors.quiet}`
  const paragraph = (text: string, style = base): Html =>
    markup`<p style="margin:0 0 16px;${style}">${text}</p>`
  const picture =
    logo && logo.mediaType !== 'image/svg+xml'
      ? markup`<img src="${logo.url}" alt="${name}" height="40" style="height:40px;max-width:240px;border:0">`
      : markup`<span style="${base};font-size:18px;font-weight:700">${name}</span>`
  const { support, legal } = content
  const links = [
    [legal?.imprint, t('footer.imprint')],
    [legal?.privacy, t('footer.privacy')],
    [legal?.terms, t('footer.terms')],
  ].flatMap(([url, text]) =>
    url === undefined ? [] : [markup`<a href="${url}" style="color:${colors.quiet}">${text}</a> `],
  )
  const action = letter.action
  const button =
    action &&
    markup`<table role="presentation" cellpadding="0" cellspacing="0" style="margin:8px 0 24px"><tr><td style="border-radius:8px;background:${colors.accent}"><a href="${action.url}" style="display:inline-block;padding:12px 22px;font-family:${font};font-size:16px;font-weight:600;color:${colors.accentText};text-decoration:none">${action.label}</a></td></tr></table>`
  return markup`<!doctype html>
<html lang="${language}" dir="${directionOf(language)}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${letter.subject}</title></head>
<body style="margin:0;padding:0;background:${colors.ground}">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="background:${colors.ground}"><tr><td align="center" style="padding:32px 16px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:560px">
<tr><td style="padding:0 4px 20px">${picture}</td></tr>
<tr><td style="padding:32px;background:${colors.card};border:1px solid ${colors.line};border-radius:12px">
<h1 style="margin:0 0 16px;font-family:${font};font-size:22px;line-height:1.3;color:${colors.text}">${letter.heading}</h1>
${paragraph(t('mail.greeting'))}${letter.paragraphs.map((text) => paragraph(text))}${button}
${paragraph(`${t('mail.closing')}, ${name}`)}
${action && markup`<p style="margin:16px 0 0;${quiet};overflow-wrap:anywhere">${t('mail.link', { url: action.url })}</p>`}
</td></tr>
<tr><td style="padding:20px 4px;${quiet}">${support?.email !== undefined && markup`<p style="margin:0 0 8px;${quiet}">${t('mail.help', { email: support.email })}</p>`}${links}</td></tr>
</table></td></tr></table>
</body></html>
`.text
}

function textOf({ content, name }: Brand, letter: Letter): string {
  const { t } = textsIn(letter.languages ?? [], content)
  const { support, legal } = content
  return [
    letter.heading,
    t('mail.greeting'),
    ...letter.paragraphs,
    letter.action && `${letter.action.label}:\n${letter.action.url}`,
    `${t('mail.closing')}\n${name}`,
    support?.email === undefined ? undefined : t('mail.help', { email: support.email }),
    [legal?.imprint, legal?.privacy, legal?.terms].filter((url) => url !== undefined).join('\n') || undefined,
  ]
    .filter((part) => part !== undefined)
    .join('\n\n')
    .concat('\n')
}
