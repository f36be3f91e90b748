import { freePorts } from '../../cli/up/ports.ts'
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../harness/postgres.ts'
import { partEnvironment, startPart, type EnvironmentChange } from '../harness/part-process.ts'

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

const start = (change: EnvironmentChange = {}) =>
  startPart('api', partEnvironment(database.url, { TIELINE_PORT: String(port), ...change }))

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
