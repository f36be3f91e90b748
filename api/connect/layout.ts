/** What every page of the connect flow has: its frame and the headers that keep others out. */
import { markup, type Html } from './markup.ts'

export interface Frame {
  /** Of the window; says first what is wrong, when something is. */
  readonly title: string
  /** Whose page it is for the person who reads it. */
  readonly partnerName: string | undefined
  /** Seconds after which the page is read again, without any script. */
  readonly refreshSeconds?: number
  readonly body: Html
}

/** The whole document. Style and script are files of the hub's own: the policy allows nothing inline. */
export function layout({ title, partnerName, refreshSeconds, body }: Frame): string {
  const page = markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        ${refreshSeconds !== undefined && markup`<meta http-equiv="refresh" content="${refreshSeconds}" /> `}
        <title>${title}${partnerName !== undefined && ` – ${partnerName}`}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/connect/assets/connect.css" />
        <script src="/connect/assets/connect.js" defer></script>
      </head>
      <body>
        <div class="frame">
          ${partnerName !== undefined && markup`<header><p class="partner">${partnerName}</p></header> `}
          <main>${body}</main>
        </div>
      </body>
    </html> `
  return page.text
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
    'img-src data:',
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
})
