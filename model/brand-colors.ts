/**
 * Colours of a brand and whether they can be read (WCAG 2.2: contrast of 4.5 for text, 3 for what is drawn). What a partner sets is checked
 * when it is set; whatever comes together by inheritance is made readable here, so that no page ever is not.
 */

/** `#rrggbb` each. */
export interface BrandColors {
  /** Buttons, links. */
  readonly primary?: string
  /** On buttons; black or white, whichever is read better, when it is left out. */
  readonly onPrimary?: string
  /** Of the page. */
  readonly background?: string
  /** Of what stands on it: the card, the fields. */
  readonly surface?: string
  readonly text?: string
}

/** Every colour of a page. */
export interface Palette {
  readonly ground: string
  readonly card: string
  readonly text: string
  readonly quiet: string
  readonly line: string
  readonly field: string
  readonly fieldLine: string
  readonly accent: string
  readonly accentText: string
  readonly accentHover: string
  /** The accent where it is text. */
  readonly link: string
  readonly focus: string
  readonly good: string
  readonly goodGround: string
  readonly bad: string
  readonly badGround: string
  readonly note: string
  readonly noteGround: string
}

export interface Palettes {
  readonly light: Palette
  /** Undefined: the page looks the same whatever the person prefers. */
  readonly dark: Palette | undefined
}

export const textContrast = 4.5
export const drawnContrast = 3

const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i

type Rgb = readonly [number, number, number]

function rgbOf(color: string): Rgb {
  const [, r = '00', g = '00', b = '00'] = hex.exec(color) ?? []
  return [parseInt(r, 16), parseInt(g, 16), parseInt(b, 16)]
}

const hexOf = (rgb: Rgb): string =>
  `#${rgb.map((part) => Math.round(part).toString(16).padStart(2, '0')).join('')}`

/** Relative luminance, 0 to 1 (WCAG 2.2, with the corrected threshold 0.04045). */
export function luminance(color: string): number {
  const [r, g, b] = rgbOf(color).map((part) => {
    const share = part / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

/** 1 (the same) to 21 (black on white). */
export function contrast(one: string, other: string): number {
  const [a, b] = [luminance(one), luminance(other)]
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
}

/** `share` of the way from one colour to another. */
export function mix(from: string, to: string, share: number): string {
  const [a, b] = [rgbOf(from), rgbOf(to)]
  return hexOf([0, 1, 2].map((i) => (a[i] ?? 0) + ((b[i] ?? 0) - (a[i] ?? 0)) * share) as unknown as Rgb)
}

const black = '#000000'
const white = '#ffffff'

/** Black or white, whichever is read better there: one of the two always reaches 4.58. */
export const readableOn = (ground: string): string =>
  contrast(black, ground) >= contrast(white, ground) ? black : white

const reaches = (color: string, grounds: readonly string[], least: number): boolean =>
  grounds.every((ground) => contrast(color, ground) >= least)

/** The colour, moved towards black or white only as far as it must be to be read on all of the grounds. */
export function readable(color: string, grounds: readonly string[], least = textContrast): string {
  if (reaches(color, grounds, least)) return color
  const [ground = white] = grounds
  const ends = readableOn(ground) === black ? [black, white] : [white, black]
  for (const end of ends)
    for (let share = 0.05; share < 1.001; share += 0.05) {
      const moved = mix(color, end, Math.min(1, share))
      if (reaches(moved, grounds, least)) return moved
    }
  return readableOn(ground)
}

const lightOwn = {
  primary: '#1d4ed8',
  background: '#f3f4f6',
  surface: '#ffffff',
  text: '#16191d',
} as const
const darkOwn = {
  primary: '#8ab0ff',
  background: '#101317',
  surface: '#191d23',
  text: '#e9ebee',
} as const

/** @param own what stands for a colour that nobody has set. */
function paletteOf(colors: BrandColors, own: Required<Omit<BrandColors, 'onPrimary'>>): Palette {
  const ground = colors.background ?? own.background
  // A page and a card of opposite kinds have no text that both carry: the card follows the page.
  const wished = colors.surface ?? (colors.background === undefined ? own.surface : surfaceOn(ground))
  const card = isSameKind(wished, ground) ? wished : surfaceOn(ground)
  const grounds = [card, ground]
  const text = readable(colors.text ?? readableText(own.text, grounds), grounds)
  const accent = readable(colors.primary ?? own.primary, [card], drawnContrast)
  const accentText = readable(colors.onPrimary ?? readableOn(accent), [accent])
  const quiet = readable(mix(text, card, 0.3), grounds)
  const signal = (color: string): readonly [string, string] => {
    const tinted = mix(card, color, 0.1)
    const soft = isReadableGround(text, tinted) ? tinted : card
    return [readable(color, [soft]), soft]
  }
  const [good, goodGround] = signal('#1f9d55')
  const [bad, badGround] = signal('#d92d20')
  const [note, noteGround] = signal('#b7860b')
  return {
    ...{ ground, card, text, quiet, accent, accentText },
    ...{ good, goodGround, bad, badGround, note, noteGround },
    line: mix(card, text, 0.16),
    field: mix(card, ground, 0.35),
    fieldLine: readable(mix(card, text, 0.45), [card], drawnContrast),
    accentHover: hoverOf(accent, accentText),
    link: readable(accent, grounds),
    focus: readable(accent, grounds, drawnContrast),
  }
}

const isReadableGround = (text: string, ground: string): boolean => contrast(text, ground) >= textContrast

const readableText = (text: string, grounds: readonly string[]): string =>
  reaches(text, grounds, textContrast) ? text : readableOn(grounds[0] ?? white)

/** Both carry the same text: black or white. */
const isSameKind = (one: string, other: string): boolean => {
  const end = readableOn(one)
  return contrast(end, other) >= textContrast
}

const surfaceOn = (ground: string): string => {
  const raised = mix(ground, white, luminance(ground) > 0.4 ? 0.85 : 0.05)
  return isSameKind(raised, ground) && isSameKind(ground, raised) ? raised : ground
}

/** A little away from what stands on it, so that it can only be read better. */
const hoverOf = (accent: string, on: string): string =>
  mix(accent, luminance(on) > luminance(accent) ? black : white, 0.14)

/** Palettes for both schemes. A brand with a background of its own, and none for the dark, looks the same in both. */
export function palettesOf(
  colors: { readonly light?: BrandColors; readonly dark?: BrandColors } = {},
): Palettes {
  const { light = {}, dark } = colors
  const isFixed = dark === undefined && (light.background ?? light.surface) !== undefined
  const own = light.background !== undefined && luminance(light.background) < 0.18 ? darkOwn : lightOwn
  const shared = light.primary === undefined ? {} : { primary: light.primary }
  return {
    light: paletteOf(light, own),
    dark: isFixed ? undefined : paletteOf({ ...shared, ...dark }, darkOwn),
  }
}

export interface ContrastProblem {
  readonly pointer: string
  readonly detail: string
}

/** Pairs that a partner has set itself and that cannot be read. */
export function contrastProblems(
  colors: { readonly light?: BrandColors; readonly dark?: BrandColors } = {},
): ContrastProblem[] {
  return (['light', 'dark'] as const).flatMap((scheme) => {
    const given = colors[scheme]
    if (!given) return []
    const own = scheme === 'light' ? lightOwn : darkOwn
    const pairs = [
      ['text', 'background', textContrast],
      ['text', 'surface', textContrast],
      ['onPrimary', 'primary', textContrast],
      ['primary', 'surface', drawnContrast],
    ] as const
    return pairs.flatMap(([front, back, least]) => {
      const [one, other] = [given[front], given[back] ?? (back === 'primary' ? own.primary : undefined)]
      if (one === undefined || other === undefined) return []
      const reached = contrast(one, other)
      if (reached >= least) return []
      const mended = readable(one, [other], least)
      const detail = `${one} on ${other} (${back}) has a contrast of ${floor(reached)}, less than ${least}: ${mended} would do${front === 'primary' ? '' : ', or leave it out'}`
      return [{ pointer: `/colors/${scheme}/${front}`, detail }]
    })
  })
}

/** Never rounded up to what is not reached. */
const floor = (ratio: number): string => (Math.floor(ratio * 100) / 100).toFixed(2)
