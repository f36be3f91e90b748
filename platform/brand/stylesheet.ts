/** The style sheet of a brand: its colours and font as variables of the page, then what the partner has written, scoped. */
import { fontStacks, type Brand } from '../../model/brand.ts'
import type { Palette } from '../../model/brand-colors.ts'
import { luminance } from '../../model/brand-colors.ts'
import { checkCss } from './css.ts'

const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

const variables = (palette: Palette): string =>
  Object.entries(palette)
    .map(([name, color]) => `--${kebab(name)}:${color}`)
    .join(';')

const schemeOf = ({ ground }: Palette): string => (luminance(ground) < 0.18 ? 'dark' : 'light')

/** @param urlOf where browsers get an asset. */
export function styleSheetOf(
  { content, palettes }: Pick<Brand, 'content' | 'palettes'>,
  urlOf: (assetId: string) => string,
): string {
  const { light, dark } = palettes
  const { font, css } = content
  const scheme = dark ? 'light dark' : schemeOf(light)
  const file =
    font?.file === undefined
      ? ''
      : `@font-face{font-family:"Brand";src:url("${urlOf(font.file)}") format("woff2");font-weight:100 900;font-display:swap}`
  const stack = `${file === '' ? '' : '"Brand", '}${fontStacks[font?.stack ?? 'system']}`
  return [
    file,
    `:root{color-scheme:${scheme};${variables(light)};--font:${stack}}`,
    dark ? `@media (prefers-color-scheme:dark){:root{${variables(dark)}}}` : '',
    css === undefined ? '' : written(css, urlOf),
    '',
  ]
    .filter((part, index) => part !== '' || index === 4)
    .join('\n')
}

/** What does not pass (any more) is left out: it was refused when it was given, unless the lists have been narrowed since. */
function written(css: string, urlOf: (assetId: string) => string): string {
  const checked = checkCss(css)
  if (checked.problems.length > 0) return ''
  return checked.css.replace(
    /url\(["']?asset:(ast_[0-9A-Z]{26})["']?\)/g,
    (_all, id: string) => `url("${urlOf(id)}")`,
  )
}
