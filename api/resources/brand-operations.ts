/** Each operation on a brand, as its partner and as the admin asks for it. */
import type { Handlers } from '../operation.ts'
import * as brand from './brand.ts'
import * as assets from './brand-assets.ts'
import * as domains from './brand-domains.ts'
import * as previews from './brand-previews.ts'

type Names = Extract<keyof Handlers, `${string}Brand${string}`>

export const brandOperations: Pick<Handlers, Names> = {
  getBrand: (deps, call) => brand.getBrand(deps, call),
  getPartnerBrand: (deps, call) => brand.getBrand(deps, call),
  putBrand: (deps, call) => brand.putBrand(deps, call),
  putPartnerBrand: (deps, call) => brand.putBrand(deps, call),
  publishBrand: (deps, call) => brand.publishBrand(deps, call),
  publishPartnerBrand: (deps, call) => brand.publishBrand(deps, call),
  listBrandVersions: (deps, call) => brand.listBrandVersions(deps, call),
  listPartnerBrandVersions: (deps, call) => brand.listBrandVersions(deps, call),
  restoreBrandVersion: (deps, call) => brand.restoreBrandVersion(deps, call),
  restorePartnerBrandVersion: (deps, call) => brand.restoreBrandVersion(deps, call),
  previewBrand: (deps, call) => previews.previewBrand(deps, call),
  previewPartnerBrand: (deps, call) => previews.previewBrand(deps, call),
  createBrandPreviewLink: (deps, call) => previews.createBrandPreviewLink(deps, call),
  createPartnerBrandPreviewLink: (deps, call) => previews.createBrandPreviewLink(deps, call),
  previewBrandMail: (deps, call) => previews.previewBrandMail(deps, call),
  previewPartnerBrandMail: (deps, call) => previews.previewBrandMail(deps, call),
  listBrandAssets: (deps, call) => assets.listBrandAssets(deps, call),
  listPartnerBrandAssets: (deps, call) => assets.listBrandAssets(deps, call),
  createBrandAsset: (deps, call) => assets.createBrandAsset(deps, call),
  createPartnerBrandAsset: (deps, call) => assets.createBrandAsset(deps, call),
  deleteBrandAsset: (deps, call) => assets.deleteBrandAsset(deps, call),
  deletePartnerBrandAsset: (deps, call) => assets.deleteBrandAsset(deps, call),
  listBrandDomains: (deps, call) => domains.listBrandDomains(deps, call),
  listPartnerBrandDomains: (deps, call) => domains.listBrandDomains(deps, call),
  createBrandDomain: (deps, call) => domains.createBrandDomain(deps, call),
  createPartnerBrandDomain: (deps, call) => domains.createBrandDomain(deps, call),
  getBrandDomain: (deps, call) => domains.getBrandDomain(deps, call),
  getPartnerBrandDomain: (deps, call) => domains.getBrandDomain(deps, call),
  deleteBrandDomain: (deps, call) => domains.deleteBrandDomain(deps, call),
  deletePartnerBrandDomain: (deps, call) => domains.deleteBrandDomain(deps, call),
  verifyBrandDomain: (deps, call) => domains.verifyBrandDomain(deps, call),
  verifyPartnerBrandDomain: (deps, call) => domains.verifyBrandDomain(deps, call),
}
