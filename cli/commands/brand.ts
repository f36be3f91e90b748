/** `tieline brand`: looked at, written down, previewed, published; the files it uses and the domains it has. */
import { readFileSync } from 'node:fs'
import { CliError, type ExitCode } from '../cli-error.ts'
import { collect, need, openApi, type GlobalOptions, type Schemas } from '../client.ts'
import { jsonObject } from '../input.ts'
import { table, type Out } from '../print.ts'

interface BrandOptions extends GlobalOptions {
  readonly partner?: string
  readonly effective?: boolean
}

const base = '/admin/v1/partners/{partnerId}/brand'
const ownTenant = 'par_00000000000000000000000000'
const whose = ({ partner }: BrandOptions) => ({ partnerId: partner ?? ownTenant })

function versionIn(text: string | undefined): { version?: number } {
  if (text === undefined) return {}
  const version = Number(text)
  if (Number.isInteger(version) && version > 0) return { version }
  throw new CliError('A version is a whole number from 1.', 2)
}

export async function showBrand(options: BrandOptions, out: Out): Promise<ExitCode> {
  const params = { path: whose(options), query: { effective: options.effective ?? false } }
  out.json(await need(openApi(options).GET(base, { params })))
  return 0
}

export async function setBrand(
  json: string,
  options: BrandOptions & { readonly note?: string },
  out: Out,
): Promise<ExitCode> {
  const content = jsonObject(json, 'brand') as unknown as Schemas['BrandContent']
  const query = options.note === undefined ? {} : { note: options.note }
  const params = { path: whose(options), query, header: {} }
  const brand = await need(openApi(options).PUT(base, { params, body: content }))
  if (options.json) out.json(brand)
  else out.line(`Version ${brand.latestVersion} is a draft. Look at it: tieline brand preview`)
  return 0
}

const kinds = ['logo', 'favicon', 'image', 'font'] as const

export async function uploadAsset(
  given: string,
  file: string,
  options: BrandOptions,
  out: Out,
): Promise<ExitCode> {
  const kind = kinds.find((one) => one === given)
  if (!kind) throw new CliError(`A file is one of ${kinds.join(', ')}.`, 2)
  let data: string
  try {
    data = readFileSync(file).toString('base64')
  } catch {
    throw new CliError(`"${file}" cannot be read.`, 2)
  }
  const asset = await need(
    openApi(options).POST(`${base}/assets`, { params: { path: whose(options) }, body: { kind, data } }),
  )
  if (options.json) out.json(asset)
  else {
    out.line(`${asset.assetId}  ${asset.mediaType}, ${asset.sizeBytes} bytes`)
    if (asset.removed && asset.removed.length > 0) out.line(`Left out: ${asset.removed.join(', ')}`)
  }
  return 0
}

export async function previewBrand(
  version: string | undefined,
  options: BrandOptions,
  out: Out,
): Promise<ExitCode> {
  const link = await need(
    openApi(options).POST(`${base}/preview-links`, {
      params: { path: whose(options) },
      body: versionIn(version),
    }),
  )
  if (options.json) out.json(link)
  else {
    out.line(link.url)
    out.line(
      `Version ${link.version}, for an hour. Add ?page=choose|setup|problem|test|done|expired and &language=… for more.`,
    )
  }
  return 0
}

export async function publishBrand(
  version: string | undefined,
  options: BrandOptions,
  out: Out,
): Promise<ExitCode> {
  const params = { path: whose(options), header: {} }
  const brand = await need(openApi(options).POST(`${base}/publish`, { params, body: versionIn(version) }))
  if (options.json) out.json(brand)
  else out.line(`Version ${brand.publishedVersion} is published.`)
  return 0
}

export async function listVersions(options: BrandOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const items = await collect(200, (cursor, limit) =>
    need(
      api.GET(`${base}/versions`, {
        params: { path: whose(options), query: { limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  if (options.json) out.json(items)
  else if (items.length === 0) out.line('There are no versions.')
  else {
    const rows = items.map(({ version, state, createdAt, createdBy, note }) => [
      ...[String(version), state, createdAt, createdBy, note ?? ''],
    ])
    for (const line of table(['version', 'state', 'made', 'by', 'note'], rows, out.paint)) out.line(line)
  }
  return 0
}

export async function restoreVersion(version: string, options: BrandOptions, out: Out): Promise<ExitCode> {
  const { version: wanted = 0 } = versionIn(version)
  const params = { path: { ...whose(options), version: wanted }, header: {} }
  const brand = await need(openApi(options).POST(`${base}/versions/{version}/restore`, { params }))
  if (options.json) out.json(brand)
  else out.line(`Version ${brand.latestVersion} is a draft with what version ${wanted} has.`)
  return 0
}

function tell(domain: Schemas['BrandDomain'], out: Out): void {
  out.line(
    `${domain.domainId}  ${domain.domain}  ${domain.state}${domain.reason ? `: ${domain.reason}` : ''}`,
  )
  if (domain.state !== 'verified')
    out.line(`  enter in its DNS: ${domain.record.name}  TXT  "${domain.record.value}"`)
}

export async function listDomains(options: BrandOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const { items } = await need(
    api.GET(`${base}/domains`, { params: { path: whose(options), query: { limit: 200 } } }),
  )
  if (options.json) out.json(items)
  else if (items.length === 0) out.line('There are no domains.')
  else for (const domain of items) tell(domain, out)
  return 0
}

export async function addDomain(domain: string, options: BrandOptions, out: Out): Promise<ExitCode> {
  const params = { path: whose(options), header: {} }
  const made = await need(openApi(options).POST(`${base}/domains`, { params, body: { domain } }))
  if (options.json) out.json(made)
  else tell(made, out)
  return 0
}

export async function verifyDomain(domainId: string, options: BrandOptions, out: Out): Promise<ExitCode> {
  const params = { path: { ...whose(options), domainId } }
  const asked = await need(openApi(options).POST(`${base}/domains/{domainId}/verify`, { params }))
  if (options.json) out.json(asked)
  else tell(asked, out)
  return 0
}

export async function removeDomain(domainId: string, options: BrandOptions, out: Out): Promise<ExitCode> {
  const params = { path: { ...whose(options), domainId } }
  await need(openApi(options).DELETE(`${base}/domains/{domainId}`, { params }))
  if (!options.json) out.line(`${domainId} is gone.`)
  return 0
}
