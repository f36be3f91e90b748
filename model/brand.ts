/**
 * The brand of a partner: what of it is stored, and how the brands of a chain of partners become the one that people see. Each field that a
 * partner leaves out is that of the partner above it; what nobody has set is the hub's own.
 */
import { palettesOf, type BrandColors, type Palettes } from './brand-colors.ts'

export const fontStacks = {
  system: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
  humanist: "Seravek, 'Gill Sans Nova', Ubuntu, Calibri, 'DejaVu Sans', source-sans-pro, sans-serif",
  geometric: "Avenir, Montserrat, Corbel, 'URW Gothic', source-sans-pro, sans-serif",
  grotesque: "Inter, 'Helvetica Neue', 'Arial Nova', 'Nimbus Sans', Arial, sans-serif",
  rounded:
    "ui-rounded, 'Hiragino Maru Gothic ProN', Quicksand, Comfortaa, Manjari, 'Arial Rounded MT', Calibri, sans-serif",
  serif: "Charter, 'Bitstream Charter', 'Sitka Text', Cambria, Georgia, serif",
  slab: "Rockwell, 'Rockwell Nova', 'Roboto Slab', 'DejaVu Serif', 'Sitka Small', serif",
  mono: "ui-monospace, 'Cascadia Code', 'Source Code Pro', Menlo, Consolas, 'DejaVu Sans Mono', monospace",
} as const

export type FontStack = keyof typeof fontStacks

/** What a partner has set of its brand. Assets are named by their ids. */
export interface BrandContent {
  readonly name?: string
  readonly logo?: string
  /** For dark pages; the other one on a light plate when it is left out. */
  readonly logoDark?: string
  readonly favicon?: string
  readonly colors?: { readonly light?: BrandColors; readonly dark?: BrandColors }
  /** A stack that every system has something of, or a file of the partner's with a stack behind it. */
  readonly font?: { readonly stack?: FontStack; readonly file?: string }
  readonly support?: { readonly email?: string; readonly url?: string; readonly phone?: string }
  readonly sender?: { readonly name?: string; readonly address?: string; readonly replyTo?: string }
  readonly legal?: { readonly imprint?: string; readonly privacy?: string; readonly terms?: string }
  /** As it was given; what browsers get is made from its syntax tree (`platform/brand/css.ts`). */
  readonly css?: string
  readonly defaultLanguage?: string
  /** Language → key of the connect page → text. */
  readonly texts?: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/** A partner of a chain, with what it has published. */
export interface BrandLink {
  readonly partnerId: string
  readonly partnerName: string
  readonly version: number | null
  readonly content: BrandContent
}

/** What people see. */
export interface Brand {
  readonly partnerId: string
  readonly name: string
  readonly content: BrandContent
  readonly palettes: Palettes
  /** Field → the partner that has set it. */
  readonly sources: Readonly<Record<string, string>>
}

type Tree = { readonly [key: string]: string | Tree | undefined }

/** The nearer one's fields over the farther one's, down to single colours and texts. */
function over(near: Tree, far: Tree): Tree {
  const merged: Record<string, string | Tree | undefined> = { ...far }
  for (const [key, value] of Object.entries(near)) {
    const below = merged[key]
    if (value === undefined) continue
    merged[key] = typeof value === 'object' && typeof below === 'object' ? over(value, below) : value
  }
  return merged
}

function* leaves(tree: Tree, path: string): Generator<string> {
  for (const [key, value] of Object.entries(tree)) {
    const name = path === '' ? key : `${path}.${key}`
    if (typeof value === 'object') yield* leaves(value, name)
    else if (value !== undefined) yield name
  }
}

/** A brand's logo goes with the name it shows: whoever sets a name of its own does not wear the logo of the partner above. */
const inherited = (near: BrandContent, far: BrandContent): BrandContent => {
  if (near.name === undefined) return far
  const { logo: _logo, logoDark: _dark, favicon: _favicon, sender: _sender, ...rest } = far
  return { ...rest }
}

/**
 * @param chain the partner first, then the ones above it in order. Never empty.
 * @throws RangeError for an empty chain.
 */
export function resolveBrand(chain: readonly BrandLink[]): Brand {
  const [own] = chain
  if (!own) throw new RangeError('a brand needs a partner')
  const sources: Record<string, string> = {}
  let content: BrandContent = {}
  for (const link of chain) {
    const below = inherited(content, link.content)
    for (const field of leaves(below as Tree, '')) sources[field] ??= link.partnerId
    content = over(content as Tree, below as Tree)
  }
  return {
    partnerId: own.partnerId,
    name: content.name ?? own.partnerName,
    content,
    palettes: palettesOf(content.colors),
    sources,
  }
}

/** Ids of assets that a brand uses; those in its style sheet are written `url("asset:<id>")`. */
export function assetsOf({ logo, logoDark, favicon, font, css }: BrandContent): readonly string[] {
  const named = [logo, logoDark, favicon, font?.file].filter((id) => id !== undefined)
  const inCss = [...(css ?? '').matchAll(/asset:([\w]+)/g)].map(([, id = '']) => id)
  return [...new Set([...named, ...inCss])]
}

/** A name as a header may carry it: ASCII letters, without what ends a comment or a line. Empty for a name that has none. */
const asciiName = (name: string): string =>
  name
    .normalize('NFKD')
    .replace(/ß/g, 'ss')
    .replace(/[^ -~]/g, '')
    .replace(/[()\\"<>;,]/g, '')
    .replace(/ +/g, ' ')
    .trim()
    .slice(0, 60)

/** What a request says of whom it is from: ASCII, whatever the name is. */
export function brandHeaders(name: string): Readonly<Record<string, string>> {
  const ascii = asciiName(name)
  const whole = [...name.replace(/\p{Surrogate}/gu, '')].slice(0, 80).join('')
  return {
    'user-agent': ascii === '' ? 'Tieline' : `Tieline (${ascii})`,
    'tieline-brand': encodeURIComponent(whole),
  }
}
