/**
 * `/docs`: the description for people. Page and script come from the hub itself: the policy below lets the browser reach
 * nothing else (Scalar's fonts, proxy and telemetry included).
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Middleware } from 'koa'
import { markup, type Html } from '../model/markup.ts'
import { styleUrl, type Look } from './brands/brands.ts'
import type { RequestState } from './request-state.ts'

const configuration = {
  withDefaultFonts: false,
  // The tag Models is ours: Scalar's own list of that name would stand beside it.
  hideModels: true,
  telemetry: false,
  hideClientButton: true,
  showDeveloperTools: 'never',
  documentDownloadType: 'json',
  mcp: { disabled: true },
  agent: { disabled: true },
}

/** Somebody has set something: otherwise the page is Tieline's own. */
export const isDressed = ({ sources }: Look): boolean => Object.keys(sources).length > 0

/**
 * A bar with the partner's logo and name above, in its colours; without a look: Tieline's own page.
 * @param description where the page reads what it shows.
 */
export function docsPage(description: string, look?: Look): string {
  const name = look?.content.name ?? 'Tieline'
  const dressed = look && isDressed(look) ? look : undefined
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${name}: API</title>
<link rel="icon" href="${look?.favicon?.url ?? 'data:,'}">
${dressed && markup`<link rel="stylesheet" href="${styleUrl(dressed)}"><link rel="stylesheet" href="/docs/brand.css">`}
</head>
<body>
${dressed && docsBar(dressed)}
<script id="api-reference" data-url="${description}" data-configuration="${JSON.stringify(configuration)}"></script>
<script src="/docs/scalar.js"></script>
</body>
</html>
`.text
}

/** The logo, or the name where there is none. */
export const docsBar = ({ logo, name }: Look): Html =>
  markup`<header class="docs-bar">${logo ? markup`<img src="${logo.url}" alt="${name}">` : markup`<b>${name}</b>`}</header>`

const barStyle = `.docs-bar{display:flex;align-items:center;min-height:3.5rem;padding:.5rem 1.25rem;background:var(--card);color:var(--text);border-bottom:1px solid var(--line);font:600 1.0625rem/1.3 var(--font)}
.docs-bar img{display:block;max-height:2.25rem;max-width:14rem;width:auto}
@media (prefers-color-scheme:dark){.docs-bar img{background:#fff;padding:.375rem .5rem;border-radius:.375rem}}
.light-mode{--scalar-color-accent:var(--link)!important}
`

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export const docsHeaders = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': policy,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
} as const

interface Script {
  readonly bytes: Buffer
  readonly etag: string
}

let loaded: Script | undefined

/** Read when it is first asked for: an API that nobody reads about need not hold 3.5 MB. */
function script(): Script {
  if (!loaded) {
    const require = createRequire(import.meta.url)
    const bytes = readFileSync(require.resolve('@scalar/api-reference/browser/standalone.js'))
    loaded = { bytes, etag: `"${createHash('sha256').update(bytes).digest('base64url')}"` }
  }
  return loaded
}

export const docsScript: Middleware<RequestState> = (ctx) => {
  ctx.state.route = '/docs/scalar.js'
  const { bytes, etag } = script()
  ctx.set({ ETag: etag, 'Cache-Control': 'public, max-age=3600', 'X-Content-Type-Options': 'nosniff' })
  ctx.status = 200
  ctx.type = 'text/javascript; charset=utf-8'
  if (ctx.fresh) ctx.status = 304
  else ctx.body = bytes
}

export const docsStyle: Middleware<RequestState> = (ctx) => {
  ctx.state.route = '/docs/brand.css'
  ctx.set({ 'Cache-Control': 'public, max-age=300', 'X-Content-Type-Options': 'nosniff' })
  ctx.type = 'text/css; charset=utf-8'
  ctx.body = barStyle
}
