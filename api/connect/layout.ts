/** What every page of the connect flow has: its frame, the brand, and the headers that keep others out. */
import { textsIn, type Texts } from '../../model/brand-texts.ts'
import { directionOf } from '../../model/languages.ts'
import { markup, type Html } from '../../model/markup.ts'
import { styleUrl, type Look } from '../brands/brands.ts'

/** Whose page it is, and in which words. */
export interface Dress {
  readonly look: Look | undefined
  readonly texts: Texts
  /** Of the brand's style sheet; undefined: the hub's own colours. */
  readonly styleUrl: string | undefined
}

/** The hub's own, when not even the brand can be asked for. */
export const plainDress: Dress = { look: undefined, texts: textsIn([]), styleUrl: undefined }

/** @param languages that the person prefers, best first. */
export const dressOf = (look: Look | undefined, languages: readonly string[]): Dress => ({
  look,
  texts: textsIn(languages, look?.content),
  styleUrl: look && styleUrl(look),
})

export interface Frame {
  /** Of the window; says first what is wrong, when something is. */
  readonly title: string
  readonly dress: Dress
  /** False: for somebody who may be a stranger; the partner is not named where the host does not name it. */
  readonly isNamed: boolean
  /** Seconds after which the page is read again, without any script. */
  readonly refreshSeconds?: number
  readonly body: Html
}

/** The whole document. Style and script are files of the hub's own: the policy allows nothing inline. */
export function layout({ title, dress, isNamed, refreshSeconds, body }: Frame): string {
  const { look, texts, styleUrl: style } = dress
  const name = isNamed ? look?.name : undefined
  const page = markup`<!doctype html>
    <html lang="${texts.language}" dir="${directionOf(texts.language)}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        ${refreshSeconds !== undefined && markup`<meta http-equiv="refresh" content="${refreshSeconds}" /> `}
        <title>${title}${name !== undefined && ` – ${name}`}</title>
        <link rel="icon" href="${look?.favicon?.url ?? 'data:,'}" />
        <link rel="stylesheet" href="/connect/assets/connect.css" />
        ${style !== undefined && markup`<link rel="stylesheet" href="${style}" />`}
        <script src="/connect/assets/connect.js" defer></script>
      </head>
      <body class="branded">
        <div class="frame">
          ${look && name !== undefined && banner(look, name)}
          <main>${body}</main>
          ${look && isNamed && contacts(look, texts)}
        </div>
      </body>
    </html> `
  return page.text
}

function banner(look: Look, name: string): Html {
  const { logo, logoDark, palettes } = look
  if (!logo) return markup`<header><p class="partner">${name}</p></header>`
  const size =
    logo.width !== null && logo.height !== null && markup` width="${logo.width}" height="${logo.height}"`
  // A logo that was drawn for light pages stands on a light plate on dark ones.
  const plate = palettes.dark && !logoDark ? markup` class="logo plate"` : markup` class="logo"`
  return markup`<header><picture>${
    palettes.dark &&
    logoDark &&
    markup`<source srcset="${logoDark.url}" media="(prefers-color-scheme: dark)" />`
  }<img${plate} src="${logo.url}" alt="${name}"${size} /></picture></header>`
}

/** Whom to ask, and what must be said by law. */
function contacts({ content }: Look, { t }: Texts): Html | undefined {
  const { support, legal } = content
  const link = (href: string, text: string): Html => markup`<a href="${href}">${text}</a>`
  const links = [
    support?.url !== undefined && link(support.url, t('footer.help')),
    support?.email !== undefined && link(`mailto:${support.email}`, support.email),
    support?.phone !== undefined && link(`tel:${support.phone.replace(/[^\d+]/g, '')}`, support.phone),
    legal?.imprint !== undefined && link(legal.imprint, t('footer.imprint')),
    legal?.privacy !== undefined && link(legal.privacy, t('footer.privacy')),
    legal?.terms !== undefined && link(legal.terms, t('footer.terms')),
  ].filter((one) => one !== false)
  return links.length === 0
    ? undefined
    : markup`<footer><ul>${links.map((one) => markup`<li><bdi>${one}</bdi></li>`)}</ul></footer>`
}

/**
 * @param formTargets where a form of the page may lead besides the hub itself. Browsers that follow the specification to
 *   the letter hold every redirect after a form to this list, so a consent page needs its provider's origins in it.
 */
export const pageHeaders = (formTargets: readonly string[] = []): Readonly<Record<string, string>> => ({
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "base-uri 'none'",
    `form-action ${["'self'", ...formTargets].join(' ')}`,
    "frame-ancestors 'none'",
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'X-Robots-Tag': 'noindex',
  Vary: 'Accept-Language',
})
