/** INV-5 with real processes: many callers, one token endpoint, and a refresher that is killed in the middle. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { sql } from 'kysely'
import type { Ward } from '../../activities/custodian-ward.ts'
import type { ActivityDeps } from '../../activities/deps.ts'
import { getConnection } from '../../db/connections.ts'
import { openCredential } from '../../db/credentials.ts'
import { systemClock } from '../../platform/clock.ts'
import { newKeyRingText } from '../../platform/secrets/keyring.ts'
import type { OAuth2Auth } from '../../providers/contract.ts'
import { custodianDeps, makeWard } from '../harness/custodian-bench.ts'
import { createTestDatabase, type TestDatabase } from '../harness/postgres.ts'
import { methodThat, startTokenEndpoint, type TokenEndpoint } from '../harness/token-endpoint.ts'
import type { Orders, Told } from './callers.ts'

const processes = 4
const ring = newKeyRingText()
const spent = { access_token: 'access-0', refresh_token: 'refresh-0', expires_at: '2020-01-01T00:00:00.000Z' }

let test: TestDatabase
let endpoint: TokenEndpoint
let deps: ActivityDeps
beforeAll(async () => {
  test = await createTestDatabase()
  endpoint = await startTokenEndpoint()
  const { originMap } = endpoint
  deps = custodianDeps({ url: test.url, ring, originMap, name: 'parent', clock: systemClock })
})
afterAll(async () => {
  await deps.database.close()
  await endpoint.close()
  await test.drop()
})
beforeEach(() => {
  endpoint.reset()
  endpoint.good.add('refresh-0')
})

interface Crowd {
  readonly children: ReadonlyMap<string, ChildProcess>
  /** What the callers of the processes that lived got. */
  readonly told: Promise<Told[]>
}

/** Processes that all start asking at the same moment. */
async function crowd(ward: Ward, refresh: OAuth2Auth['refresh'], callers: number): Promise<Crowd> {
  const children = new Map(
    Array.from({ length: processes }, (_, n) => {
      const child = fork(path.join(import.meta.dirname, 'callers.ts'), {
        execArgv: ['--import', import.meta.resolve('tsx')],
        env: { ...process.env, NODE_OPTIONS: '' },
      })
      return [`caller-${n}`, child] as const
    }),
  )
  await Promise.all([...children.values()].map((child) => once(child, 'message')))
  const answers = [...children.entries()].map(async ([name, child]): Promise<Told[]> => {
    const { method: _method, ...rest } = ward
    const { originMap } = endpoint
    const orders: Orders = {
      url: test.url,
      ring,
      originMap,
      name,
      ward: rest,
      refresh,
      callers: callers / processes,
    }
    const answer = new Promise<Told[]>((resolve) => {
      child.once('message', (told) => resolve([told as Told]))
      child.once('exit', () => resolve([]))
    })
    child.send(orders)
    return await answer
  })
  return { children, told: Promise.all(answers).then((all) => all.flat()) }
}

/** Which process holds the lock. */
async function refresher({ children }: Crowd): Promise<ChildProcess> {
  const holders = await sql<{ name: string }>`
    select a.application_name as name from pg_locks l join pg_stat_activity a using (pid)
    where l.locktype = 'advisory' and l.granted and a.datname = current_database()
  `.execute(deps.database.db)
  expect(holders.rows).toHaveLength(1)
  const child = children.get(holders.rows[0]?.name ?? '')
  if (!child) throw new Error('nobody holds the lock')
  return child
}

/** Holds the first answer; answers when the call has come, and how to kill who made it. */
function holdFirst(): { readonly called: Promise<void> } {
  let note: () => void = () => undefined
  const called = new Promise<void>((resolve) => (note = resolve))
  endpoint.beforeAnswer(async (_call, n) => {
    if (n !== 1) return
    note()
    await new Promise(() => undefined)
  })
  return { called }
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

const total = (told: readonly Told[]) =>
  told.reduce<Record<string, number>>((sum, { tokens }) => {
    for (const [token, n] of Object.entries(tokens)) sum[token] = (sum[token] ?? 0) + n
    return sum
  }, {})

describe('INV-5: 1,000 parallel callers in several processes on an expired token', () => {
  it('cause exactly one call to the token endpoint, and all get the new token', async () => {
    const refresh = { rotates: 'always', graceSeconds: 0 } as const
    const ward = await makeWard(deps, methodThat(refresh), spent)
    endpoint.beforeAnswer(() => new Promise((resolve) => setTimeout(resolve, 300)))
    const told = await (await crowd(ward, refresh, 1000)).told
    expect(told.flatMap(({ errors }) => errors)).toEqual([])
    expect(Object.values(total(told))).toEqual([1000])
    expect(endpoint.calls).toHaveLength(1)
    const stored = await openCredential(deps.database.db, deps.vault, ward.connectionId)
    expect(Object.keys(total(told))).toEqual([stored?.secrets['access_token']])
    expect(stored?.generation).toBe(2)
  })

  it.each([
    ['a provider whose refresh tokens stay', { rotates: 'never', graceSeconds: 0 } as const],
    [
      'a provider that lets the old refresh token live on for a while',
      { rotates: 'always', graceSeconds: 600 } as const,
    ],
  ])(
    'whose refresher is killed in the middle, with %s: one further call, and the others get the token',
    async (_what, refresh) => {
      Object.assign(endpoint.rules, { rotates: refresh.rotates, spends: 'never' })
      const ward = await makeWard(deps, methodThat(refresh), spent)
      const { called } = holdFirst()
      const people = await crowd(ward, refresh, 1000)
      await called
      await kill(await refresher(people))
      const told = await people.told
      expect(told).toHaveLength(processes - 1)
      expect(told.flatMap(({ errors }) => errors)).toEqual([])
      expect(Object.values(total(told))).toEqual([750])
      expect(endpoint.calls).toHaveLength(2)
      expect(endpoint.mostAtOnce()).toBe(1)
      expect((await getConnection(deps.database.db, ward.connectionId))?.state).toBe('active')
    },
  )

  it('whose refresher is killed after its refresh token was spent: one further call, refused, and the reason says why', async () => {
    const refresh = { rotates: 'always', graceSeconds: 0 } as const
    const ward = await makeWard(deps, methodThat(refresh), spent)
    const { called } = holdFirst()
    const people = await crowd(ward, refresh, 1000)
    await called
    await kill(await refresher(people))
    const told = await people.told
    expect(total(told)).toEqual({})
    expect(new Set(told.flatMap(({ errors }) => errors)).size).toBe(1)
    expect(endpoint.calls).toHaveLength(2)
    expect(endpoint.mostAtOnce()).toBe(1)
    const connection = await getConnection(deps.database.db, ward.connectionId)
    expect(connection).toMatchObject({ state: 'needs_attention', stateWho: 'account' })
    expect(connection?.stateReason).toMatch(
      /^The answer of Ledgerly to the renewal of .* was lost on the way/,
    )
  })
})
