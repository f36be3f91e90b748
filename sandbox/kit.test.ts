import { createRouter, createWindows, type SimulatorRequest } from './kit.ts'

const request = (method: string): SimulatorRequest => ({
  method,
  path: '',
  query: new URLSearchParams(),
  headers: {},
  body: undefined,
  text: '',
  origin: undefined,
})

it('a router finds by method and whole path, gives the parts, and says when nothing fits', () => {
  const find = createRouter<string>([
    [
      'GET',
      '/things/:id/parts/:name',
      (scene, _request, parts) => ({ status: 200, body: [scene, ...parts] }),
    ],
    ['GET', '/things/newest', () => ({ status: 200, body: 'newest' })],
  ])
  expect(find('s', request('GET'), '/things/12/parts/en-us')?.body).toEqual(['s', '12', 'en-us'])
  expect(find('s', request('GET'), '/things/newest')?.body).toBe('newest')
  for (const path of ['/things/x1/parts/a', '/things/1/parts/a/b', '/things'])
    expect(find('s', request('GET'), path)).toBeUndefined()
  expect(find('s', request('POST'), '/things/newest')).toBeUndefined()
})

it('a window counts down, refuses, says when it ends, and begins anew; each bucket by itself', () => {
  let ms = 0
  const windows = createWindows(() => new Date(ms))
  expect(windows.take('a', 2)).toEqual({ limit: 2, remaining: 1, resetSeconds: 60, isOver: false })
  ms = 20_500
  expect(windows.take('a', 2)).toEqual({ limit: 2, remaining: 0, resetSeconds: 40, isOver: false })
  expect(windows.take('a', 2)).toMatchObject({ remaining: 0, isOver: true })
  expect(windows.take('b', 2, 600_000)).toMatchObject({ remaining: 1, resetSeconds: 600 })
  ms = 60_000
  expect(windows.take('a', 2)).toMatchObject({ remaining: 1, isOver: false })
})
