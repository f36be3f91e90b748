/** Drafts looked at before they are published: the connect page, a link to it, an e-mail. */
import type { components } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import { renderMail } from '../../platform/mail/render.ts'
import { draftLook, type Look } from '../brands/brands.ts'
import { previewHeaders } from '../brands/routes.ts'
import { samplePage, type SamplePage } from '../brands/sample-pages.ts'
import type { ApiDeps } from '../deps.ts'
import { partnerOf, versionOf, type BrandCall } from './brand.ts'

type Schemas = components['schemas']

const lifetimeMs = 60 * 60_000

async function lookOf(
  deps: ApiDeps,
  call: Pick<BrandCall, 'path' | 'caller'>,
  wanted: number | undefined,
): Promise<{ readonly look: Look; readonly partnerId: string; readonly version: number }> {
  const partnerId = await partnerOf(deps, call)
  const draft = await versionOf(deps.database.db, partnerId, wanted)
  const look = await draftLook(deps.hubDatabase.db, partnerId, draft)
  if (!look) throw new HubError('NoSuchThing', `There is no partner "${partnerId}".`)
  return { look, partnerId, version: draft.version }
}

interface Query {
  readonly version?: number
  readonly language?: string
}

const languagesIn = ({ language }: Query): readonly string[] => (language === undefined ? [] : [language])

/** With the style sheet of a link, so that whoever saves the page sees it dressed for as long as the link lives. */
export async function previewBrand(deps: ApiDeps, call: BrandCall<Query & { readonly page?: SamplePage }>) {
  const { look, ...previewed } = await lookOf(deps, call, call.query.version)
  const token = await deps.previews.sign(previewed, new Date(Date.now() + lifetimeMs))
  const styleUrl = `${deps.config.publicUrl}/brand/preview/${token}/style.css`
  const body = samplePage(call.query.page ?? 'setup', look, { styleUrl, languages: languagesIn(call.query) })
  return { status: 200 as const, body, headers: previewHeaders }
}

export async function createBrandPreviewLink(
  deps: ApiDeps,
  call: BrandCall<object, Schemas['NewBrandPreviewLink']>,
) {
  const { partnerId, version } = await lookOf(deps, call, call.body.version)
  const expiresAt = new Date(Math.floor((Date.now() + lifetimeMs) / 1000) * 1000)
  const token = await deps.previews.sign({ partnerId, version }, expiresAt)
  const url = `${deps.config.publicUrl}/brand/preview/${token}`
  return { status: 201 as const, body: { url, version, expiresAt: expiresAt.toISOString() } }
}

export async function previewBrandMail(deps: ApiDeps, call: BrandCall<Query>) {
  const { look } = await lookOf(deps, call, call.query.version)
  const { publicUrl } = deps.config
  const logo = look.logo && { url: publicUrl + look.logo.url, mediaType: look.logo.mediaType }
  const languages = languagesIn(call.query)
  const mail = renderMail(
    look,
    {
      subject: 'Your connection to Example Desk needs you',
      heading: 'Your connection to Example Desk needs you',
      paragraphs: [
        'Example Desk has refused our access to your account since this morning. Nothing is lost: what has changed there meanwhile is read as soon as the account is connected again.',
      ],
      action: { label: 'Connect again', url: `${publicUrl}/connect/example` },
      ...(languages.length > 0 ? { languages } : {}),
    },
    logo,
  )
  return { status: 200 as const, body: mail }
}
