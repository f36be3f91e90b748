/** `/docs/permissions`: the policy table for people to read. */
import type { Middleware } from 'koa'
import { hubRoles, partnerRoles, permissions } from '../model/permissions.ts'
import type { RequestState } from './request-state.ts'

const style = `body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:3rem auto;padding:0 1.2rem;color:#1b2330}
h1{font-size:1.7rem}code{background:#eef1f5;padding:.1em .35em;border-radius:4px}a{color:#1f5fbf}.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%}td,th{padding:.3rem .6rem .3rem 0;border-bottom:1px solid #dde3ea;text-align:left;vertical-align:top}
@media(prefers-color-scheme:dark){body{background:#12161c;color:#d7dee8}code{background:#222a35}a{color:#7fb0ff}td,th{border-color:#2b3442}}`

const yes = (has: boolean): string => `<td>${has ? '✓' : '<span aria-label="no"></span>'}</td>`

/** No text of the table comes from outside: it is the hub's own. */
const rows = Object.entries(permissions)
  .map(([name, { title, hub, partner, keys }]) => {
    const ofHub = hubRoles.map((role) => yes((hub as readonly string[]).includes(role)))
    const ofPartner = partnerRoles.map((role) => yes((partner as readonly string[]).includes(role)))
    return `<tr><td><code>${name}</code></td><td>${title}</td>${ofHub.join('')}${ofPartner.join('')}${yes(keys)}</tr>`
  })
  .join('')

const heads = ['Permission', 'What for', ...hubRoles, ...partnerRoles, 'API keys']
  .map((head) => `<th scope="col">${head}</th>`)
  .join('')

const page = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>Roles and permissions</title><style>${style}</style></head><body>
<h1>Roles and permissions</h1><p>Each operation names the one permission that it needs (<code>x-permission</code>). The first ${hubRoles.length} roles are of the people who run the hub, the others of a partner's people, for the partner and what is below it. An API key has the scopes that it was given. <code>support</code> sees personal data masked.</p>
<div class="wide"><table><tr>${heads}</tr>${rows}</table></div><p><a href="/docs">The API</a></p></body></html>
`

export const permissionDocs: Middleware<RequestState> = (ctx) => {
  ctx.state.route = '/docs/permissions'
  ctx.set(
    'Content-Security-Policy',
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
  )
  ctx.type = 'html'
  ctx.body = page
}
