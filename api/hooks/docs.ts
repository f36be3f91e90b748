/** `/docs/webhooks`: a page per provider, how to set its webhooks up there. Made from the provider's own steps. */
import type { Middleware } from 'koa'
import { isId } from '../../model/ids.ts'
import { hookSources, type HookSource } from '../../providers/registry.ts'
import { networksOf } from '../address.ts'
import { styleUrl, type Look } from '../brands/brands.ts'
import { lookAt, requestHost } from '../brands/host.ts'
import type { ApiDeps } from '../deps.ts'
import { docsBar, isDressed } from '../docs.ts'
import { edgeFailure } from '../problem.ts'
import type { RequestState } from '../request-state.ts'

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign] ?? sign)

/** Bold and code of Markdown; nothing else stands in the steps. */
const marked = (text: string): string =>
  escaped(text)
    .replace(/`([^`]+)`/g, '<code>$1</code>')
    .replace(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')

const style = `body{font:16px/1.6 var(--font,system-ui,sans-serif);max-width:46rem;margin:3rem auto;padding:0 1.2rem;color:#1b2330}
h1{font-size:1.7rem;line-height:1.2}h2{font-size:1.1rem;margin-top:2rem}code{background:#eef1f5;padding:.1em .35em;border-radius:4px;overflow-wrap:anywhere}
a{color:#1f5fbf}li{margin:.4rem 0}table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.35rem .6rem .35rem 0;border-bottom:1px solid #dde3ea;vertical-align:top}
@media(prefers-color-scheme:dark){body{background:#12161c;color:#d7dee8}code{background:#222a35}a{color:#7fb0ff}td,th{border-color:#2b3442}}`

/** A brand's own colours over those of the page, from its style sheet. */
const branded = `body{background:var(--ground);color:var(--text)}a{color:var(--link)}code{background:var(--card)}td,th{border-color:var(--line)}.docs-bar{margin-bottom:2rem;padding:.5rem 0}
@media(prefers-color-scheme:dark){body{background:var(--ground);color:var(--text)}a{color:var(--link)}code{background:var(--card)}td,th{border-color:var(--line)}}`

type Page = (title: string, body: string) => string

function pageFor(look: Look | undefined): Page {
  const dressed = look && isDressed(look) ? look : undefined
  const links = dressed
    ? `<link rel="stylesheet" href="${styleUrl(dressed)}"><link rel="stylesheet" href="/docs/brand.css"><style>${branded}</style>`
    : ''
  const bar = dressed ? docsBar(dressed).text : ''
  return (title, body) =>
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${escaped(title)}</title><style>${style}</style>${links}</head><body>${bar}${body}</body></html>\n`
}

function overview(page: Page): string {
  const rows = hookSources.map(
    ({ slug, name, webhooks }) =>
      `<tr><td><a href="/docs/webhooks/${slug}">${escaped(name)}</a></td><td>${webhooks.scope === 'app' ? 'one URL for all accounts' : 'a URL per connection'}</td><td>${webhooks.subscriptions ? 'made by the hub' : 'set up at the provider'}</td></tr>`,
  )
  return page(
    'Webhooks',
    `<h1>Webhooks, provider by provider</h1><p>What to enter there so that its changes come here at once.</p><table><tr><th>Provider</th><th>URL</th><th>Set up</th></tr>${rows.join('')}</table><p><a href="/docs">The API</a></p>`,
  )
}

function onePage(page: Page, { slug, name, webhooks }: HookSource, publicUrl: string): string {
  const url = `${publicUrl}/hooks/${slug}${webhooks.scope === 'app' ? '' : '/<connection>'}`
  const filled = (step: string) =>
    step
      .replaceAll('{url}', webhooks.unguessableUrl ? `${url}?key=<key>` : url)
      .replace(/\{secret:(\w+)\}/g, (_all, secret: string) => `the secret "${secret}"`)
  const steps = webhooks.setup.map((step) => `<li>${marked(filled(step))}</li>`).join('')
  const secrets = webhooks.secrets
    .map(
      (one) =>
        `<tr><td><code>${escaped(one.name)}</code></td><td>${escaped(one.title)}: ${marked(one.help)}</td><td>${one.env === undefined ? `<code>tieline webhooks setup &lt;connection&gt;${one.madeBy === 'provider' ? ` --secret ${escaped(one.name)}=…` : ''}</code>` : `<code>${one.env}</code>`}</td></tr>`,
    )
    .join('')
  const samples = webhooks.samples.map((one) => `<code>${escaped(one.event)}</code>`).join(' ')
  return page(
    `Webhooks of ${name}`,
    `<p><a href="/docs/webhooks">All providers</a></p><h1>Webhooks of ${escaped(name)}</h1><h2>There</h2><ol>${steps}</ol><h2>Secrets</h2><table><tr><th>Name</th><th>What it is</th><th>Where it goes</th></tr>${secrets}</table><h2>Try it</h2><p><code>tieline webhooks simulate ${slug} &lt;event&gt;</code> with one of ${samples}</p>`,
  )
}

/** @throws NoSuchThing for a provider that sends none. */
export const hookDocs =
  (deps: ApiDeps): Middleware<RequestState> =>
  async (ctx) => {
    const { provider } = (ctx as { params?: Record<string, string> }).params ?? {}
    const source = hookSources.find(({ slug }) => slug === provider)
    if (provider !== undefined && !source)
      throw edgeFailure('NoSuchThing', 'This provider sends no webhooks; see /docs/webhooks.')
    ctx.state.route = '/docs/webhooks'
    ctx.set(
      'Content-Security-Policy',
      "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self'; font-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    )
    ctx.type = 'html'
    const host = requestHost(ctx.req, networksOf(deps.config.trustedProxies))
    const { partner } = ctx.query
    const look = isId('partner', partner) ? await deps.brands.of(partner) : await lookAt(deps, host)
    const page = pageFor(look)
    ctx.body = source ? onePage(page, source, deps.config.publicUrl) : overview(page)
  }
