import { ago, duration, nearest, table } from './print.ts'

describe('what people see', () => {
  it('aligns columns, numbers to the right, and counts no colour codes', () => {
    const red = (text: string) => `\x1b[31m${text}\x1b[0m`
    expect(
      table(
        ['name', 'rows'],
        [
          ['tickets', '1,000'],
          [red('bad'), '7'],
        ],
      ),
    ).toEqual(['name      rows', 'tickets  1,000', `${red('bad')}          7`])
  })

  it('suggests the name that was probably meant, and none that is far off', () => {
    expect(nearest('zendsk', ['zendesk', 'hubspot'])).toBe('zendesk')
    expect(nearest('Zendesk', ['zendesk'])).toBe('zendesk')
    expect(nearest('nosuchservice', ['zendesk', 'hubspot'])).toBeUndefined()
  })

  it('writes times and durations as people say them', () => {
    const now = Date.parse('2026-11-23T12:00:00Z')
    expect([
      ago(null, now),
      ago('2026-11-23T11:59:50Z', now),
      ago('2026-11-23T11:20:00Z', now),
      ago('2026-11-20T08:00:00Z', now),
    ]).toEqual(['never', 'just now', '40 min ago', '2026-11-20 08:00'])
    expect([0.2, 12, 120, 7200].map(duration)).toEqual(['<1 s', '12 s', '2 min', '2.0 h'])
  })
})
