/**
 * `/docs`: the description for people. Page and script come from the hub itself: the policy below lets the browser reach
 * nothing else (Scalar's fonts, proxy and telemetry included).
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Middleware } from 'koa'
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

const attribute = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;')

/** @param description where the page reads what it shows. */
export const docsPage = (description: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tieline: API reference</title>
</head>
<body>
<script id="api-reference" data-url="${description}" data-configuration="${attribute(JSON.stringify(configuration))}"></script>
<script src="/docs/scalar.js"></script>
</body>
</html>
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
