/** The brand of a partner: drafts, versions, what is published. The same for the partner itself and for the admin, who names it. */
import { appendAudit } from '../../db/audit.ts'
import {
  addBrandVersion,
  getBrand as findBrand,
  getBrandVersion,
  listBrandVersions as selectVersions,
  lockBrand,
  publishBrandVersion,
  type BrandRow,
  type BrandVersion,
} from '../../db/brands.ts'
import { findBrandAssets } from '../../db/brand-assets.ts'
import { inTransaction, type Db } from '../../db/client.ts'
import { findPartner } from '../../db/partners.ts'
import { assetsOf, type BrandContent } from '../../model/brand.ts'
import { checkBrand, unseen, type BrandProblem } from '../../model/brand-check.ts'
import type { components } from '../../openapi/types.ts'
import { checkCss } from '../../platform/brand/css.ts'
import { HubError } from '../../platform/errors.ts'
import { styleUrl } from '../brands/brands.ts'
import type { Caller } from '../caller.ts'
import type { ApiDeps } from '../deps.ts'
import { isMatch } from '../etag.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import { invalidInput } from '../problem.ts'

type Schemas = components['schemas']

/** A call about a brand, of whichever of the two ways in. */
export interface BrandCall<Query = object, Body = unknown> {
  readonly path: { readonly partnerId?: string }
  readonly query: Query
  readonly header: {
    readonly 'If-Match'?: string
    readonly 'If-None-Match'?: string
    readonly 'Idempotency-Key'?: string
  }
  readonly body: Body
  readonly caller: Caller
  readonly url: URL
}

/** Whose brand it is about. @throws NoSuchThing for a partner that there is not. */
export async function partnerOf(
  { database }: ApiDeps,
  { path, caller }: Pick<BrandCall, 'path' | 'caller'>,
): Promise<string> {
  const partnerId = path.partnerId ?? caller.partnerId
  if (partnerId === null || !(await findPartner(database.db, partnerId)))
    throw new HubError('NoSuchThing', `There is no partner "${partnerId ?? ''}".`)
  return partnerId
}

const noVersion = (version: number): HubError =>
  new HubError('NoSuchThing', `The brand has no version ${version}.`)

/** The newest version when none is named. @throws NoSuchThing */
export async function versionOf(
  db: Db,
  partnerId: string,
  wanted: number | undefined,
): Promise<BrandVersion> {
  const version = wanted ?? (await findBrand(db, partnerId))?.latestVersion ?? 0
  const found = version === 0 ? undefined : await getBrandVersion(db, partnerId, version)
  if (!found)
    throw version === 0 ? new HubError('NoSuchThing', 'The brand has no version yet.') : noVersion(version)
  return found
}

function showVersion(brand: Pick<BrandRow, 'publishedVersion'>, row: BrandVersion): Schemas['BrandVersion'] {
  const { partnerId: _partner, createdAt, publishedAt, ...rest } = row
  const state =
    row.version === brand.publishedVersion ? 'published' : publishedAt === null ? 'draft' : 'retired'
  return {
    ...rest,
    state,
    createdAt: createdAt.toISOString(),
    publishedAt: publishedAt?.toISOString() ?? null,
  }
}

async function show(db: Db, partnerId: string, brand: BrandRow | undefined): Promise<Schemas['Brand']> {
  const { latestVersion = 0, publishedVersion = null } = brand ?? {}
  const versionAt = async (version: number | null) => {
    const row = version === null || version === 0 ? undefined : await getBrandVersion(db, partnerId, version)
    return row ? showVersion({ publishedVersion }, row) : null
  }
  const published = await versionAt(publishedVersion)
  const draft = latestVersion === publishedVersion ? null : await versionAt(latestVersion)
  return { partnerId, latestVersion, publishedVersion, draft, published }
}

/** A row that only holds a lock is none. */
const etagOf = (brand: BrandRow | undefined): string =>
  `"${brand === undefined || brand.latestVersion === 0 ? 0 : brand.revision}"`

const answer = async (db: Db, partnerId: string, brand: BrandRow | undefined) => ({
  status: 200 as const,
  body: await show(db, partnerId, brand),
  headers: { ETag: etagOf(brand) },
})

export async function getBrand(deps: ApiDeps, call: BrandCall<{ readonly effective?: boolean }>) {
  const partnerId = await partnerOf(deps, call)
  const { db } = deps.database
  const shown = await answer(db, partnerId, await findBrand(db, partnerId))
  if (call.query.effective !== true) return shown
  const look = await deps.brands.of(partnerId)
  if (!look) return shown
  const { name, content, sources, palettes, logo, favicon } = look
  const effective: Schemas['EffectiveBrand'] = {
    name,
    content: content,
    sources: { ...sources },
    palettes: { light: { ...palettes.light }, dark: palettes.dark ? { ...palettes.dark } : null },
    styleUrl: styleUrl(look),
    logoUrl: logo?.url ?? null,
    faviconUrl: favicon?.url ?? null,
  }
  return { ...shown, body: { ...shown.body, effective } }
}

/** @throws InvalidInput that names every field that cannot be. */
async function checked(tx: Db, partnerId: string, content: BrandContent): Promise<void> {
  const problems: BrandProblem[] = checkBrand(content)
  if (content.css !== undefined)
    for (const { line, detail } of checkCss(content.css).problems)
      problems.push({ pointer: '/css', detail: `line ${line}: ${detail}` })
  problems.push(...(await assetProblems(tx, partnerId, content)))
  if (problems.length > 0) throw invalidInput(problems.map((one) => ({ in: 'body', ...one })))
}

async function assetProblems(tx: Db, partnerId: string, content: BrandContent): Promise<BrandProblem[]> {
  const known = new Map(
    (await findBrandAssets(tx, partnerId, assetsOf(content))).map(({ assetId, kind }) => [assetId, kind]),
  )
  const places = [
    ['/logo', content.logo, ['logo', 'image']],
    ['/logoDark', content.logoDark, ['logo', 'image']],
    ['/favicon', content.favicon, ['favicon']],
    ['/font/file', content.font?.file, ['font']],
    ...assetsOf({ ...(content.css === undefined ? {} : { css: content.css }) }).map(
      (id) => ['/css', id, ['image', 'logo']] as const,
    ),
  ] as const
  return places.flatMap(([pointer, id, kinds]) => {
    if (id === undefined) return []
    const kind = known.get(id)
    if (kind === undefined) return [{ pointer, detail: `"${id}" is no file of this partner` }]
    return (kinds as readonly string[]).includes(kind) ? [] : [{ pointer, detail: `"${id}" is a ${kind}` }]
  })
}

/** @throws PreconditionFailed */
function checkMatch(ifMatch: string | undefined, locked: BrandRow): void {
  if (isMatch(ifMatch, etagOf(locked))) return
  throw new HubError('PreconditionFailed', 'The brand has changed since it was read. Read it again.')
}

/** Writes a version down under the brand's lock. */
async function draft(
  deps: ApiDeps,
  call: Pick<BrandCall, 'header' | 'caller'>,
  partnerId: string,
  make: (
    tx: Db,
  ) => Promise<{ readonly content: BrandContent; readonly note: string | null; readonly from?: number }>,
) {
  return await inTransaction(deps.database.db, async (tx) => {
    const locked = await lockBrand(tx, partnerId)
    checkMatch(call.header['If-Match'], locked)
    const { content, note, from } = await make(tx)
    await checked(tx, partnerId, content)
    const { brand, version } = await addBrandVersion(tx, locked, {
      ...{ content, note },
      createdBy: call.caller.name,
    })
    const shown = await answer(tx, partnerId, brand)
    await appendAudit(tx, {
      ...{ actor: call.caller.name, action: 'brand.drafted', subject: partnerId, partnerId },
      details: {
        version: version.version,
        fields: Object.keys(content),
        ...(from === undefined ? {} : { from }),
      },
    })
    return shown
  })
}

export async function putBrand(
  deps: ApiDeps,
  call: BrandCall<{ readonly note?: string }, Schemas['BrandContent']>,
) {
  const partnerId = await partnerOf(deps, call)
  if (unseen.test(call.query.note ?? ''))
    throw invalidInput([{ in: 'query', pointer: '/note', detail: 'must hold no unseen characters' }])
  const made = { content: call.body as BrandContent, note: call.query.note ?? null }
  return await draft(deps, call, partnerId, async () => made)
}

export async function restoreBrandVersion(
  deps: ApiDeps,
  call: Omit<BrandCall, 'path'> & {
    readonly path: { readonly partnerId?: string; readonly version: number }
  },
) {
  const partnerId = await partnerOf(deps, call)
  const { version } = call.path
  return await draft(deps, call, partnerId, async (tx) => {
    const old = await getBrandVersion(tx, partnerId, version)
    if (!old) throw noVersion(version)
    return { content: old.content, note: `Version ${version} again`, from: version }
  })
}

export async function publishBrand(deps: ApiDeps, call: BrandCall<object, Schemas['BrandPublication']>) {
  const partnerId = await partnerOf(deps, call)
  return await inTransaction(deps.database.db, async (tx) => {
    const locked = await lockBrand(tx, partnerId)
    const row = await versionOf(tx, partnerId, call.body.version)
    checkMatch(call.header['If-Match'], locked)
    // What was allowed when it was written down may not be so any more.
    await checked(tx, partnerId, row.content)
    const brand = await publishBrandVersion(tx, locked, row.version, call.caller.name)
    if (!brand) throw noVersion(row.version)
    const shown = await answer(tx, partnerId, brand)
    await appendAudit(tx, {
      ...{ actor: call.caller.name, action: 'brand.published', subject: partnerId, partnerId },
      details: { version: row.version, before: locked.publishedVersion },
    })
    return shown
  })
}

export async function listBrandVersions(
  deps: ApiDeps,
  call: BrandCall<{ readonly limit?: number; readonly cursor?: string }>,
) {
  const before = positionOf(call, { version: 'int' })?.version
  const partnerId = await partnerOf(deps, call)
  const { db } = deps.database
  const brand = await findBrand(db, partnerId)
  const rows = await selectVersions(db, { partnerId, before, limit: rowsFor(call) })
  return listAnswer(
    call,
    rows,
    (row) => showVersion({ publishedVersion: brand?.publishedVersion ?? null }, row),
    ({ version }) => ({ version }),
  )
}
