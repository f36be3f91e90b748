/** What browsers get of brands: style sheets under the hash of what is in them, files, and drafts behind a signed link. */
import type { Middleware } from 'koa'
import { openBrandAsset } from '../../db/brand-assets.ts'
import { getBrandVersion } from '../../db/brands.ts'
import { isId } from '../../model/ids.ts'
import { languagesOf } from '../connect/page-route.ts'
import { pageHeaders } from '../connect/layout.ts'
import type { ApiDeps } from '../deps.ts'
import type { Method } from '../description.ts'
import { edgeFailure } from '../problem.ts'
import type { RequestState } from '../request-state.ts'
import { draftLook, type Look } from './brands.ts'
import { samplePage, samplePages } from './sample-pages.ts'

type Route = readonly [method: Method, path: string, handler: Middleware<RequestState>]
type Context = Parameters<Middleware<RequestState>>[0] & {
  readonly params?: Readonly<Record<string, string>>
}

const forEver = 'public, max-age=31536000, immutable'

export function brandRoutes(deps: ApiDeps): readonly Route[] {
  const route = (path: string, answer: (ctx: Context) => Promise<void>): Route => [
    'get',
    path,
    async (ctx) => {
      ctx.state.route = path
      ctx.set('X-Content-Type-Options', 'nosniff')
      await answer(ctx)
    },
  ]
  return [
    route('/brand/styles/:partnerId/:file', (ctx) => styleSheet(deps, ctx)),
    route('/brand/assets/:assetId', (ctx) => asset(deps, ctx)),
    route('/brand/preview/:token', (ctx) => preview(deps, ctx)),
    route('/brand/preview/:token/style.css', (ctx) => previewStyle(deps, ctx)),
  ]
}

const missing = () => edgeFailure('NoSuchThing', 'There is nothing at this path.')

function send(ctx: Context, type: string, etag: string, body: Buffer | string): void {
  ctx.set('ETag', `"${etag}"`)
  ctx.status = 200
  ctx.type = type
  if (ctx.fresh) ctx.status = 304
  else ctx.body = body
}

/** An address with an older hash gets what is in force, and is asked for again the next time. */
async function styleSheet({ brands }: ApiDeps, ctx: Context): Promise<void> {
  const { partnerId = '', file = '' } = ctx.params ?? {}
  const look = isId('partner', partnerId) && file.endsWith('.css') ? await brands.of(partnerId) : undefined
  if (!look) throw missing()
  ctx.set('Cache-Control', file === `${look.styleHash}.css` ? forEver : 'no-cache')
  send(ctx, 'text/css; charset=utf-8', look.styleHash, look.style)
}

/** An image opened by itself is a document of this origin: it may do nothing at all. */
const assetPolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"

async function asset({ hubDatabase }: ApiDeps, ctx: Context): Promise<void> {
  const { assetId } = ctx.params ?? {}
  const found = isId('brandAsset', assetId) ? await openBrandAsset(hubDatabase.db, assetId) : undefined
  if (!found) throw missing()
  ctx.set({
    'Cache-Control': forEver,
    'Content-Security-Policy': assetPolicy,
    'Cross-Origin-Resource-Policy': 'cross-origin',
    'Content-Disposition': 'inline',
  })
  send(ctx, found.mediaType, found.hash.toString('base64url'), found.bytes)
}

/** @throws NoSuchThing for a link that is forged or over. */
async function previewed(deps: ApiDeps, ctx: Context): Promise<Look> {
  const named = await deps.previews.read(ctx.params?.['token'] ?? '')
  const { db } = deps.hubDatabase
  const draft = named && (await getBrandVersion(db, named.partnerId, named.version))
  const look = named && draft && (await draftLook(db, named.partnerId, draft))
  if (!look) throw edgeFailure('NoSuchThing', 'This preview is over, or never was. Make another link.')
  return look
}

/** Forms of a preview lead nowhere. */
export const previewHeaders: Readonly<Record<string, string>> = {
  ...pageHeaders(),
  'Content-Security-Policy': (pageHeaders()['Content-Security-Policy'] ?? '').replace(
    "form-action 'self'",
    "form-action 'none'",
  ),
}

async function preview(deps: ApiDeps, ctx: Context): Promise<void> {
  const look = await previewed(deps, ctx)
  const page = samplePages.find((one) => one === ctx.query['page']) ?? 'setup'
  const { language } = ctx.query
  const languages = typeof language === 'string' ? [language] : languagesOf(ctx.req)
  ctx.set(previewHeaders)
  ctx.status = 200
  ctx.body = samplePage(page, look, { styleUrl: `${ctx.path}/style.css`, languages })
}

async function previewStyle(deps: ApiDeps, ctx: Context): Promise<void> {
  const look = await previewed(deps, ctx)
  ctx.set('Cache-Control', 'private, no-cache')
  send(ctx, 'text/css; charset=utf-8', look.styleHash, look.style)
}
