/** kill -9 of the worker in the middle of connecting an account. */
import path from 'node:path'
import { startProgram, type Program } from '../../cli/up/process.ts'
import { adminToken, until } from '../harness/api.ts'
import { startConnectBench, type ConnectBench } from '../harness/connect-bench.ts'
import { tinybooksVariables } from '../harness/oauth-provider.ts'
import { testTemporal } from '../harness/temporal.ts'

const root = path.resolve(import.meta.dirname, '../..')
let bench: ConnectBench
let worker: Program

beforeAll(async () => {
  bench = await startConnectBench({ worker: false })
  worker = await startWorker()
}, 120_000)
afterAll(async () => {
  await worker?.stop(0)
  await bench?.close()
}, 60_000)

async function startWorker(): Promise<Program> {
  const { address, namespace } = testTemporal()
  const { id, key } = bench.api.hub.ring.current
  const program = await startProgram({
    name: 'worker',
    command: process.execPath,
    args: ['--import', import.meta.resolve('tsx'), path.join(root, 'test/harness/books-worker.ts')],
    env: {
      ...process.env,
      ...tinybooksVariables,
      NODE_OPTIONS: '',
      DATABASE_URL: bench.api.database.url,
      TEMPORAL_ADDRESS: address,
      TEMPORAL_NAMESPACE: namespace,
      TIELINE_ADMIN_TOKEN: adminToken,
      TIELINE_ENCRYPTION_KEYS: `${id}:${Buffer.from(key).toString('base64')}`,
      TIELINE_ORIGIN_MAP: JSON.stringify(bench.provider.originMap),
      TIELINE_TASK_QUEUE: bench.api.hub.taskQueue,
      TIELINE_LOG_LEVEL: 'silent',
    },
    cwd: root,
    ipc: true,
  })
  await new Promise((resolve) => program.child.once('message', resolve))
  return program
}

/** Kills the worker when the provider has done its part of `at` and not answered yet; another one takes over. */
function killAt(at: '/token' | '/me'): Promise<void> {
  return new Promise((resolve) => {
    let isKilled = false
    bench.provider.beforeAnswer(at, async () => {
      if (isKilled) return
      isKilled = true
      process.kill(worker.pid, 'SIGKILL')
      await worker.ended
      worker = await startWorker()
      resolve()
    })
  })
}

it('after the tokens were kept: the code is not exchanged again, and the account is connected', async () => {
  const before = { ...bench.provider.exchanges }
  const killed = killAt('/me')
  const { link, browser } = await bench.link({ auth: 'oauth' })
  await bench.consent(browser, link, { allow: true })
  await killed
  expect((await bench.ended(browser, link)).text).toContain('Tinybooks is connected')
  expect(bench.provider.exchanges).toEqual({ granted: before.granted + 1, refused: before.refused })
}, 90_000)

it('between the provider’s answer and the save: the person is asked to approve once more, and then it is connected', async () => {
  const before = { ...bench.provider.exchanges }
  const killed = killAt('/token')
  const { link, browser } = await bench.link({ auth: 'oauth' })
  await bench.consent(browser, link, { allow: true })
  await killed
  const lost = await bench.ended(browser, link)
  expect(lost.text).toContain('got lost on the way')
  expect(bench.provider.exchanges).toEqual({ granted: before.granted + 1, refused: before.refused + 1 })
  expect(await bench.session(link)).toMatchObject({ state: 'failed', failure: { code: 'Unauthorized' } })
  await bench.consent(browser, link, { allow: true })
  expect((await bench.ended(browser, link)).text).toContain('Tinybooks is connected')
  await until(
    () => bench.session(link),
    ({ state }) => state === 'done',
  )
}, 90_000)
