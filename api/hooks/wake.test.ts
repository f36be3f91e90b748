import { setTimeout as delay } from 'node:timers/promises'
import { createLog } from '../../platform/log.ts'
import { createWaker, type Lane } from './wake.ts'

const log = createLog('test', 'silent')
const lane = (connectionId: string): Lane => ({
  connectionId,
  provider: 'acme',
  partnerId: 'par_1',
  accountId: 'acc_1',
})

async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 10_000
  while (!holds()) {
    if (Date.now() > end) throw new Error('it never came to that')
    await delay(5)
  }
}

it('many webhooks of a connection share a wake; connections have one each', async () => {
  const woken: string[] = []
  const waker = createWaker(async ({ connectionId }) => void woken.push(connectionId), log)
  for (let times = 0; times < 1000; times++) waker.wake(lane(times % 2 === 0 ? 'con_1' : 'con_2'))
  await until(() => woken.length === 2)
  await delay(100)
  expect(woken.sort()).toEqual(['con_1', 'con_2'])
  waker.wake(lane('con_1'))
  await until(() => woken.length === 3)
  await waker.close()
})

it('what Temporal does not take is tried again until it does, and nobody hears of it', async () => {
  let refusals = 2
  const woken: string[] = []
  const waker = createWaker(async ({ connectionId }) => {
    if (refusals-- > 0) throw new Error('Temporal is away')
    woken.push(connectionId)
  }, log)
  waker.wake(lane('con_1'))
  await until(() => woken.length === 1)
  await waker.close()
  expect(woken).toEqual(['con_1'])
}, 20_000)

it('a wake that comes while another one is on its way is not lost', async () => {
  const woken: string[] = []
  let go: () => void = () => undefined
  const gate = new Promise<void>((resolve) => (go = resolve))
  const waker = createWaker(async ({ connectionId }) => {
    woken.push(connectionId)
    if (woken.length === 1) await gate
  }, log)
  waker.wake(lane('con_1'))
  await until(() => woken.length === 1)
  waker.wake(lane('con_1'))
  go()
  await until(() => woken.length === 2)
  await waker.close()
})

it('closing waits for the wake under way and starts no other', async () => {
  const woken: string[] = []
  let ended = false
  const waker = createWaker(async ({ connectionId }) => {
    woken.push(connectionId)
    await delay(100)
    ended = true
  }, log)
  waker.wake(lane('con_1'))
  await until(() => woken.length === 1)
  await waker.close()
  expect(ended).toBe(true)
  waker.wake(lane('con_2'))
  await delay(150)
  expect(woken).toEqual(['con_1'])
})
