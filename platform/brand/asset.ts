/** Files that partners upload for their brand: what they are is told by their bytes, never by their name or what is said of them. */
import { imageSize } from 'image-size'
import { cleanSvg, SvgError } from './svg.ts'

export const assetKinds = ['logo', 'favicon', 'image', 'font'] as const
export type AssetKind = (typeof assetKinds)[number]

export interface CheckedAsset {
  readonly mediaType: string
  readonly bytes: Buffer
  readonly width: number | null
  readonly height: number | null
  /** What was left out of an SVG. */
  readonly removed: readonly string[]
}

/** Why a file is not taken, in words that follow "The file". */
export class AssetError extends Error {
  override readonly name = 'AssetError'
}

const limitBytes: Readonly<Record<AssetKind, number>> = {
  logo: 256 * 1024,
  favicon: 64 * 1024,
  image: 256 * 1024,
  font: 512 * 1024,
}
const longestSide = 4096

/** @throws AssetError */
export function checkAsset(kind: AssetKind, bytes: Buffer): CheckedAsset {
  if (bytes.length === 0) throw new AssetError('is empty')
  if (bytes.length > limitBytes[kind])
    throw new AssetError(`has ${bytes.length} bytes; a ${kind} may have ${limitBytes[kind]}`)
  if (kind === 'font') return checkFont(bytes)
  return isXml(bytes) ? checkSvg(bytes) : checkImage(bytes)
}

const isXml = (bytes: Buffer): boolean => /^(?:\ufeff)?\s*</.test(bytes.subarray(0, 200).toString('utf8'))

function checkSvg(given: Buffer): CheckedAsset {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(given)
  } catch {
    throw new AssetError('is not UTF-8')
  }
  try {
    const { svg, removed, width = null, height = null } = cleanSvg(text)
    return { mediaType: 'image/svg+xml', bytes: Buffer.from(svg), width, height, removed }
  } catch (error) {
    if (error instanceof SvgError) throw new AssetError(error.message)
    throw error
  }
}

const starts = (bytes: Buffer, magic: string, at = 0): boolean =>
  bytes.subarray(at, at + magic.length).equals(Buffer.from(magic, 'latin1'))

function mediaTypeOf(bytes: Buffer): string | undefined {
  if (starts(bytes, '\x89PNG\r\n\x1a\n')) return 'image/png'
  if (starts(bytes, '\xff\xd8\xff')) return 'image/jpeg'
  return starts(bytes, 'RIFF') && starts(bytes, 'WEBP', 8) ? 'image/webp' : undefined
}

function checkImage(bytes: Buffer): CheckedAsset {
  const mediaType = mediaTypeOf(bytes)
  if (mediaType === undefined) throw new AssetError('is neither SVG, PNG, JPEG nor WebP')
  let size: { readonly width: number; readonly height: number }
  try {
    size = imageSize(bytes)
  } catch {
    throw new AssetError(`begins like ${mediaType} and cannot be read as one`)
  }
  const { width, height } = size
  if (!(width > 0 && height > 0)) throw new AssetError('has no size')
  if (Math.max(width, height) > longestSide)
    throw new AssetError(`is ${width} × ${height}; each side may have ${longestSide} pixels`)
  return { mediaType, bytes, width, height, removed: [] }
}

/** The head of WOFF2 (W3C, 4.1): signature, flavour, length. Browsers check the rest with a sanitiser of their own. */
function checkFont(bytes: Buffer): CheckedAsset {
  if (!starts(bytes, 'wOF2') || bytes.length < 48) throw new AssetError('is no WOFF2 font')
  const flavor = bytes.readUInt32BE(4)
  const isKnown = flavor === 0x00010000 || flavor === 0x4f54544f || flavor === 0x74727565
  if (!isKnown || bytes.readUInt32BE(8) !== bytes.length || bytes.readUInt16BE(12) === 0)
    throw new AssetError('begins like a WOFF2 font and is none, or was cut off')
  return { mediaType: 'font/woff2', bytes, width: null, height: null, removed: [] }
}
