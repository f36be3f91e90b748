import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { readConfig } from '../../platform/config.ts'
import { freePorts } from './ports.ts'
import { createRepeats, lastLines, loudLine } from './tail.ts'
import { runUp } from './up.ts'

describe('tieline up, asked for what cannot be', () => {
  let folder: string
  let ports: number[]
  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'tieline-up-'))
    ports = await freePorts(5)
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  async function up(env: Record<string, string> = {}): Promise<{ code: number; lines: string[] }> {
    const [api, temporal, ui, pg, sandbox] = ports.map(String)
    const base = {
      TIELINE_HOME: path.join(folder, 'home'),
      TIELINE_PORT: api,
      TIELINE_TEMPORAL_PORT: temporal,
      TIELINE_TEMPORAL_UI_PORT: ui,
      TIELINE_PG_PORT: pg,
      TIELINE_SANDBOX_PORT: sandbox,
    }
    let text = ''
    const out = { write: (chunk: string) => (text += chunk) }
    const code = await runUp(readConfig({ ...base, ...env }), { sandbox: true, out })
    return { code, lines: text.trimEnd().split('\n') }
  }
  const listen = (port: number) =>
    new Promise<Server>((resolve) => {
      const server = createServer().listen(port, '127.0.0.1', () => resolve(server))
    })

  it('names every taken port with its variable before it starts anything', async () => {
    const holders = await Promise.all([listen(ports[0] ?? 0), listen(ports[4] ?? 0)])
    const { code, lines } = await up()
    expect(code).toBe(2)
    expect(lines).toEqual([
      expect.stringContaining(`TIELINE_PORT: port ${ports[0]} is taken`),
      expect.stringContaining(`TIELINE_SANDBOX_PORT: port ${ports[4]} is taken`),
    ])
    expect(readdirSync(path.join(folder, 'home'))).toEqual(['logs'])
    for (const holder of holders) holder.close()
  })

  it('names DATABASE_URL when that database does not answer, without its password', async () => {
    const [nobody] = await freePorts(1)
    const { code, lines } = await up({ DATABASE_URL: `postgres://tieline:hunter2@127.0.0.1:${nobody}/hub` })
    expect(code).toBe(2)
    expect(lines.at(-1)).toMatch(
      /^tieline: DATABASE_URL: the database hub at 127.0.0.1:\d+ cannot be used \(.+\)/,
    )
    expect(lines.join()).not.toContain('hunter2')
  })

  it('names TEMPORAL_ADDRESS when that service does not answer', async () => {
    const [nobody] = await freePorts(1)
    const { code, lines } = await up({ TEMPORAL_ADDRESS: `127.0.0.1:${nobody}`, TEMPORAL_NAMESPACE: 'hub' })
    expect(code).toBe(2)
    expect(lines).toEqual([
      expect.stringMatching(/^tieline: TEMPORAL_ADDRESS: namespace hub at 127.0.0.1:\d+ does not answer/),
    ])
  }, 20_000)

  it('does not make new keys beside data that the old ones protect', async () => {
    mkdirSync(path.join(folder, 'home', 'postgres'), { recursive: true })
    const { code, lines } = await up()
    expect(code).toBe(2)
    expect(lines).toEqual([expect.stringMatching(/^tieline: TIELINE_HOME: .*secrets.json is missing/)])
  })

  it('takes over a directory whose holder is gone', async () => {
    mkdirSync(path.join(folder, 'home'), { recursive: true })
    writeFileSync(
      path.join(folder, 'home', 'hub.lock'),
      JSON.stringify({ pid: process.pid, command: 'something else' }),
    )
    const holder = await listen(ports[0] ?? 0)
    const { lines } = await up()
    expect(lines).toEqual([expect.stringContaining('TIELINE_PORT')])
    holder.close()
  })
})

describe('what of a log reaches the terminal', () => {
  it('is warnings and worse, of pino and of Temporal alike', () => {
    expect(loudLine('{"level":"info","msg":"fine"}')).toBeUndefined()
    expect(loudLine('plain text')).toBeUndefined()
    expect(loudLine('{"level":"warn","msg":"slow","err":{"message":"timeout"}}')).toEqual({
      level: 'warn',
      text: 'slow: timeout',
    })
    expect(loudLine('{"level":"ERROR","msg":"bad"}')?.text).toBe('bad')
  })

  it('is shown once a minute when it comes again and again', () => {
    let now = 0
    const repeats = createRepeats(60_000, () => now)
    expect(repeats('poll retried 6 times')).toBe('poll retried 6 times')
    expect(repeats('poll retried 7 times')).toBeUndefined()
    expect(repeats('something else')).toBe('something else')
    now = 60_000
    expect(repeats('poll retried 9 times')).toBe('poll retried 9 times (and 1 more like it before)')
  })

  it('at the end is the last lines, JSON made readable, without stack frames', () => {
    const log = [
      '{"level":"info","msg":"one"}',
      '{"level":"error","msg":"two","err":{"message":"why"}}',
      'Error: three',
      '    at file.ts:1',
    ].join('\n')
    expect(lastLines(`${log}\n`, 2)).toEqual(['error two: why', 'Error: three'])
  })
})
