/** Files of a brand: uploaded, checked, listed, deleted. Browsers get them from `/brand/assets/`. */
import { createHash } from 'node:crypto'
import { appendAudit } from '../../db/audit.ts'
import {
  deleteBrandAsset as eraseAsset,
  listBrandAssets as selectAssets,
  putBrandAsset,
  type BrandAsset,
} from '../../db/brand-assets.ts'
import { inTransaction } from '../../db/client.ts'
import type { components } from '../../openapi/types.ts'
import { AssetError, checkAsset, type CheckedAsset } from '../../platform/brand/asset.ts'
import { HubError } from '../../platform/errors.ts'
import { newId } from '../../platform/new-id.ts'
import { assetUrl } from '../brands/brands.ts'
import type { ApiDeps } from '../deps.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import { invalidInput } from '../problem.ts'
import { partnerOf, type BrandCall } from './brand.ts'

type Schemas = components['schemas']

const mostFiles = 100

const show = ({ partnerId: _partner, ...asset }: BrandAsset): Schemas['BrandAsset'] => ({
  ...asset,
  url: assetUrl(asset.assetId),
  createdAt: asset.createdAt.toISOString(),
})

function checked({ kind, data }: Schemas['NewBrandAsset']): CheckedAsset {
  const wrong = (detail: string) => invalidInput([{ in: 'body', pointer: '/data', detail }])
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(data)) throw wrong('is not base64')
  try {
    return checkAsset(kind, Buffer.from(data, 'base64'))
  } catch (error) {
    if (error instanceof AssetError) throw wrong(error.message)
    throw error
  }
}

export async function createBrandAsset(deps: ApiDeps, call: BrandCall<object, Schemas['NewBrandAsset']>) {
  const partnerId = await partnerOf(deps, call)
  const { kind } = call.body
  const { mediaType, bytes, width, height, removed } = checked(call.body)
  return await inTransaction(deps.database.db, async (tx) => {
    const hash = createHash('sha256').update(bytes).digest()
    const assetId = newId('brandAsset')
    const file = { assetId, partnerId, kind, mediaType, width, height, hash, bytes }
    const put = await putBrandAsset(tx, { ...file, createdBy: call.caller.name }, mostFiles)
    if (!put)
      throw new HubError('StateConflict', `A brand has ${mostFiles} files at most; delete some first.`)
    const body = { ...show(put.asset), removed: [...removed] }
    if (!put.isNew) return { status: 200 as const, body }
    await appendAudit(tx, {
      ...{ actor: call.caller.name, action: 'brand_asset.created', subject: assetId, partnerId },
      details: { kind, mediaType, sizeBytes: bytes.length },
    })
    return { status: 201 as const, body, headers: { Location: assetUrl(assetId) } }
  })
}

export async function listBrandAssets(
  deps: ApiDeps,
  call: BrandCall<{ readonly limit?: number; readonly cursor?: string }>,
) {
  const after = positionOf(call, { assetId: 'string' })?.assetId
  const partnerId = await partnerOf(deps, call)
  const rows = await selectAssets(deps.database.db, { partnerId, after, limit: rowsFor(call) })
  return listAnswer(call, rows, show, ({ assetId }) => ({ assetId }))
}

export async function deleteBrandAsset(
  deps: ApiDeps,
  call: Omit<BrandCall, 'path'> & {
    readonly path: { readonly partnerId?: string; readonly assetId: string }
  },
) {
  const partnerId = await partnerOf(deps, call)
  const { assetId } = call.path
  return await inTransaction(deps.database.db, async (tx) => {
    const outcome = await eraseAsset(tx, partnerId, assetId)
    if (outcome === 'missing') throw new HubError('NoSuchThing', `There is no file "${assetId}".`)
    if (outcome === 'used')
      throw new HubError('StateConflict', 'A version of the brand uses this file; versions are kept.')
    await appendAudit(tx, {
      ...{ actor: call.caller.name, action: 'brand_asset.deleted', subject: assetId, partnerId },
    })
    return { status: 204 as const, body: undefined }
  })
}
