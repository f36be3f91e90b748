/** What `tieline up` shows: steps with their time, warnings of the parts, the closing box. */
export interface Screen {
  /** Shows a step while it is worked on and how long it took. What it throws is thrown on. */
  step<T>(title: string, work: (note: (text: string) => void) => Promise<T>): Promise<T>
  line(text: string): void
  warn(text: string): void
  box(rows: readonly (readonly [label: string, value: string])[], closing: readonly string[]): void
}

export interface ScreenOutput {
  readonly isTTY?: boolean
  write(text: string): unknown
}

export function createScreen(out: ScreenOutput): Screen {
  const fancy = out.isTTY === true && process.env['NO_COLOR'] === undefined
  const paint = (code: number, text: string): string => (fancy ? `\u001b[${code}m${text}\u001b[0m` : text)
  let current: string | undefined
  const clear = (): void => {
    if (fancy && current !== undefined) out.write('\r\u001b[K')
  }
  const redraw = (): void => {
    if (fancy && current !== undefined) out.write(current)
  }
  const line = (text: string): void => {
    clear()
    out.write(`${text}\n`)
    redraw()
  }
  return {
    line,
    warn: (text) => line(`${paint(33, '!')} ${text}`),
    step: async (title, work) => {
      const began = performance.now()
      current = `${paint(36, '…')} ${title}`
      redraw()
      const took = (): string => paint(2, `${((performance.now() - began) / 1000).toFixed(1)} s`)
      const note = (text: string): void => line(`  ${text}`)
      try {
        const result = await work(note)
        clear()
        current = undefined
        out.write(`${paint(32, '✓')} ${title}  ${took()}\n`)
        return result
      } catch (error) {
        clear()
        current = undefined
        out.write(`${paint(31, '✗')} ${title}  ${took()}\n`)
        throw error
      }
    },
    box: (rows, closing) => {
      const width = Math.max(...rows.map(([label]) => label.length))
      const lines = [...rows.map(([label, value]) => `${label.padEnd(width)}  ${value}`), '', ...closing]
      const inner = Math.max(...lines.map((text) => text.length)) + 2
      const middle = lines.map((text) => `│ ${text.padEnd(inner - 1)}│`)
      out.write(['', `╭${'─'.repeat(inner)}╮`, ...middle, `╰${'─'.repeat(inner)}╯`, ''].join('\n') + '\n')
    },
  }
}
