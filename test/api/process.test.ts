import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { freePorts } from '../../cli/up/ports.ts'
import { newKeyRingText } from '../../platform/secrets/keyring.ts'
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../harness/postgres.ts'
import { testTemporal } from '../harness/temporal.ts'

const root = path.resolve(import.meta.dirname, '../..')
let database: TestDatabase
let empty: TestDatabase
let port = 0

beforeAll(async () => {
  database = await createTestDatabase(1)
  empty = await createEmptyDatabase(1)
  ;[port = 0] = await freePorts(1)
})

afterAll(async () => {
  await database?.drop()
  await empty?.drop()
})

function start(change: Readonly<Record<string, string | undefined>> = {}) {
  const { address, namespace } = testTemporal()
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    TIELINE_PORT: String(port),
    TIELINE_ADMIN_TOKEN: 'a-token-of-enough-characters',
    TIELINE_ENCRYPTION_KEYS: newKeyRingText(),
    TIELINE_TASK_QUEUE: `process-${process.pid}`,
    ...change,
  }
  const child = spawn(process.execPath, ['--import', 'tsx', 'api/main.ts'], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let output = ''
  let errors = ''
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const ended = Promise.all([once(child, 'exit'), once(child.stderr ?? child, 'close')]).then(([[code]]) => ({
    code: code as number | null,
    errors,
    output,
  }))
  const ready = once(child, 'message').then(([message]) => message as unknown)
  ready.catch(() => undefined)
  return { child, ended, ready }
}

describe('the API process', () => {
  it('says when it is ready, logs no secret, and ends in order when it is told to', async () => {
    const { child, ready, ended } = start()
    expect(await Promise.race([ready, ended])).toEqual({ ready: true })
    const answer = await fetch(`http://127.0.0.1:${port}/admin/v1/connections?provider=zendesk`, {
      headers: { Authorization: 'Bearer a-token-of-enough-characters' },
    })
    expect([answer.status, await answer.json()]).toEqual([200, { items: [], nextCursor: null }])
    child.kill('SIGTERM')
    const { code, errors, output } = await ended
    expect([code, errors]).toEqual([0, ''])
    expect(output).toContain('"route":"/admin/v1/connections","status":200')
    expect(output).not.toMatch(/a-token-of-enough|provider=/)
  })

  it('starts without Temporal, and says what is missing', async () => {
    const { child, ready, ended } = start({ TEMPORAL_ADDRESS: '127.0.0.1:9' })
    expect(await Promise.race([ready, ended])).toEqual({ ready: true })
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`)
    expect(answer.status).toBe(503)
    expect(await answer.json()).toMatchObject({
      ready: false,
      database: { ok: true },
      temporal: { ok: false, detail: expect.stringContaining('TEMPORAL_ADDRESS') as string },
    })
    child.kill('SIGTERM')
    expect(await ended).toMatchObject({ code: 0 })
  })

  it('names the variable of a port that is taken', async () => {
    const first = start()
    await first.ready
    const second = await start().ended
    expect(second).toMatchObject({
      code: 2,
      errors: expect.stringMatching(/^TIELINE_PORT: port \d+ is taken/) as string,
    })
    first.child.kill('SIGTERM')
    await first.ended
  })

  it.each([
    ['a missing variable', () => ({ TIELINE_ADMIN_TOKEN: undefined }), /^TIELINE_ADMIN_TOKEN is missing/],
    ['a database out of reach', () => ({ DATABASE_URL: 'postgres://127.0.0.1:9/none' }), /DATABASE_URL/],
    ['a database without tables', () => ({ DATABASE_URL: empty.url }), /DATABASE_URL lacks \d+ migration/],
  ])('ends with 2 and one line for %s', async (_name, change, line) => {
    const { code, errors } = await start(change()).ended
    expect(errors.trim().split('\n')).toEqual([expect.stringMatching(line)])
    expect(code).toBe(2)
  })
})
