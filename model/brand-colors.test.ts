import fc from 'fast-check'
import {
  contrast,
  contrastProblems,
  drawnContrast,
  palettesOf,
  readable,
  readableOn,
  textContrast,
  type BrandColors,
  type Palette,
} from './brand-colors.ts'

const runs = { numRuns: Number(process.env['TIELINE_PROPERTY_RUNS'] ?? 1_000) }
const color = fc
  .tuple(...[0, 1, 2].map(() => fc.integer({ min: 0, max: 255 })))
  .map((parts) => `#${parts.map((part) => part.toString(16).padStart(2, '0')).join('')}`)
const colors: fc.Arbitrary<BrandColors> = fc.record(
  { primary: color, onPrimary: color, background: color, surface: color, text: color },
  { requiredKeys: [] },
)

function unreadable(palette: Palette): string[] {
  const texts = [
    ['text', 'ground'],
    ['text', 'card'],
    ['quiet', 'ground'],
    ['quiet', 'card'],
    ['link', 'card'],
    ['link', 'ground'],
    ['accentText', 'accent'],
    ['accentText', 'accentHover'],
    ['good', 'goodGround'],
    ['bad', 'badGround'],
    ['note', 'noteGround'],
    ['text', 'goodGround'],
    ['text', 'badGround'],
    ['text', 'noteGround'],
  ] as const
  const drawn = [
    ['accent', 'card'],
    ['fieldLine', 'card'],
    ['focus', 'card'],
  ] as const
  const below = (pairs: readonly (readonly [keyof Palette, keyof Palette])[], least: number) =>
    pairs.flatMap(([front, back]) => {
      const reached = contrast(palette[front], palette[back])
      return reached >= least ? [] : [`${front} ${palette[front]} on ${back} ${palette[back]}: ${reached}`]
    })
  return [...below(texts, textContrast), ...below(drawn, drawnContrast)]
}

describe('colours of a brand', () => {
  it('have the contrast that WCAG names for known pairs', () => {
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5)
    expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2)
    expect(contrast('#abcdef', '#abcdef')).toBe(1)
  })

  it('are readable on every page, whatever has been set at whichever level', () => {
    fc.assert(
      fc.property(colors, fc.option(colors, { nil: undefined }), (light, dark) => {
        const { light: one, dark: other } = palettesOf({ light, ...(dark ? { dark } : {}) })
        expect(unreadable(one)).toEqual([])
        if (other) expect(unreadable(other)).toEqual([])
      }),
      runs,
    )
  })

  it('are left as they are where they can be read', () => {
    fc.assert(
      fc.property(color, color, (front, ground) => {
        const made = readable(front, [ground])
        expect(contrast(made, ground)).toBeGreaterThanOrEqual(textContrast)
        if (contrast(front, ground) >= textContrast) expect(made).toBe(front)
        expect(contrast(readableOn(ground), ground)).toBeGreaterThanOrEqual(4.5)
      }),
      runs,
    )
  })

  it('are refused where a pair that was set cannot be read, with one that would do', () => {
    const [problem] = contrastProblems({ light: { text: '#999999', background: '#ffffff' } })
    expect(problem).toMatchObject({ pointer: '/colors/light/text' })
    const [, mended = ''] = /: (#[0-9a-f]{6}) would do/.exec(problem?.detail ?? '') ?? []
    expect(contrastProblems({ light: { text: mended, background: '#ffffff' } })).toEqual([])
    expect(
      contrastProblems({ light: { text: '#222222', background: '#ffffff', primary: '#0b6e4f' } }),
    ).toEqual([])
  })

  it('follow what the person prefers only where both schemes are known', () => {
    expect(palettesOf({ light: { background: '#fff8f0' } }).dark).toBeUndefined()
    expect(palettesOf({ light: { primary: '#0b6e4f' } }).dark).toBeDefined()
    expect(palettesOf({ light: { background: '#fff8f0' }, dark: {} }).dark).toBeDefined()
  })
})
