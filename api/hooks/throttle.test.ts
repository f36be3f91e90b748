import { createThrottle } from './throttle.ts'

const refused = async (work: Promise<unknown>) =>
  await work.then(
    () => undefined,
    (error: unknown) => error,
  )

it('admits as many a minute as an address may, and says when to come again', async () => {
  const throttle = createThrottle({ perAddress: 3, refusalsPerAddress: 10 })
  for (let times = 0; times < 3; times++) await throttle.admitAddress('203.0.113.9')
  const before = Date.now()
  const error = (await refused(throttle.admitAddress('203.0.113.9'))) as { code: string; retryAt: Date }
  expect(error.code).toBe('TooManyRequests')
  expect(error.retryAt.getTime()).toBeGreaterThan(before)
  expect(error.retryAt.getTime()).toBeLessThanOrEqual(Date.now() + 60_000)
  await throttle.admitAddress('203.0.113.10')
})

it('counts each connection by itself, by its own rate', async () => {
  const throttle = createThrottle({ perAddress: 1000, refusalsPerAddress: 10 })
  await throttle.admitConnection('con_1', 1)
  expect(await refused(throttle.admitConnection('con_1', 1))).toMatchObject({ code: 'TooManyRequests' })
  await throttle.admitConnection('con_2', 1)
  await throttle.admitConnection('con_3', 2)
  await throttle.admitConnection('con_3', 2)
  expect(await refused(throttle.admitConnection('con_3', 2))).toMatchObject({ code: 'TooManyRequests' })
})

it('an address that is refused again and again is told less, then turned away; others are not', async () => {
  const throttle = createThrottle({ perAddress: 1000, refusalsPerAddress: 2 })
  await throttle.admitAfterRefusals('203.0.113.9')
  expect([await throttle.noteRefusal('203.0.113.9'), await throttle.noteRefusal('203.0.113.9')]).toEqual([
    true,
    true,
  ])
  expect(await throttle.noteRefusal('203.0.113.9')).toBe(false)
  expect(await refused(throttle.admitAfterRefusals('203.0.113.9'))).toMatchObject({ code: 'TooManyRequests' })
  await throttle.admitAfterRefusals('203.0.113.10')
})
