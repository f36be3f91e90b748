/** The guard against being sent where a partner has no business, and what is borne of a receiver. */
import type { LookupAddress } from 'node:dns'
import { faultOfUrl, isForbidden } from '../../platform/outbound/addresses.ts'
import { createOutbound, type Outbound, type OutboundOptions } from '../../platform/outbound/post.ts'
import { startReceiver, type Receiver } from '../harness/receiver.ts'

let receiver: Receiver
const open: Outbound[] = []
beforeAll(async () => {
  receiver = await startReceiver()
})
beforeEach(() => {
  receiver.answer()
  receiver.received.length = 0
})
afterAll(async () => {
  for (const one of open) await one.close()
  await receiver.close()
})

const outbound = (options: Partial<OutboundOptions> = {}): Outbound => {
  const one = createOutbound({ allowLoopback: true, ...options })
  open.push(one)
  return one
}
const resolving = (...addresses: string[]) => ({
  lookup: async (): Promise<LookupAddress[]> =>
    addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
})
const port = () => new URL(receiver.url).port
const refused = 'The host leads to a private or reserved address, which nothing is sent to.'

const bad = [
  ...[
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '100.100.100.200',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
  ],
  ...[
    '169.254.170.2',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.192',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
  ],
  ...[
    '::',
    '::1',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    '2001:db8::1',
    '2002:7f00:1::',
  ],
  ...[
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:a9fe:a9fe',
    '0:0:0:0:0:ffff:0a00:0001',
    '::ffff:0:1',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::1',
  ],
  ...['::127.0.0.1', 'not-an-address'],
]
const good = [
  '1.1.1.1',
  '8.8.8.8',
  '172.32.0.1',
  '100.128.0.1',
  '2606:4700::1111',
  '::ffff:8.8.8.8',
  '64:ff9b::808:808',
]

describe('addresses that nothing is sent to', () => {
  it.each(bad)('%s', (address) => expect(isForbidden(address, { allowLoopback: false })).toBe(true))
  it.each(good)('but %s is', (address) => expect(isForbidden(address, { allowLoopback: false })).toBe(false))
  it('outside production this machine is let through, and nothing else', () => {
    const through = bad.filter((address) => !isForbidden(address, { allowLoopback: true }))
    expect(through).toEqual(['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1'])
  })
})

describe('URLs that are taken for an endpoint', () => {
  const fault = (url: string, allowLoopback = false) => faultOfUrl(url, { allowLoopback })
  it.each([
    'http://partner.example/hook',
    'ftp://partner.example/',
    'https://user:pass@partner.example/',
    'https://partner.example/#part',
    'https://localhost/',
    'https://a.localhost/',
    'https://127.0.0.1/',
    'https://[::1]/',
    'https://2130706433/', // 127.0.0.1 as one number
    'https://0x7f.1/',
    'https://0251.0376.0251.0376/', // 169.254.169.254 in octal
    'https://169.254.169.254/latest/meta-data',
    'https://[::ffff:10.0.0.1]/',
    'not a url',
  ])('not %s', (url) => expect(fault(url)).toEqual(expect.any(String)))
  it('https to a name, or to an address of the internet', () => {
    expect(fault('https://partner.example:8443/hook?a=b')).toBeUndefined()
    expect(fault('https://8.8.8.8/')).toBeUndefined()
  })
  it('outside production also this machine, without TLS', () => {
    expect(fault('http://127.0.0.1:9/hook', true)).toBeUndefined()
    expect(fault('http://localhost:9/hook', true)).toBeUndefined()
    expect(fault('http://10.0.0.1/', true)).toEqual(expect.any(String))
    expect(fault('http://partner.example/', true)).toEqual(expect.any(String))
  })
})

describe('connecting', () => {
  it.each([
    ['169.254.169.254'],
    ['10.0.0.7'],
    ['fd00:ec2::254'],
    ['::ffff:192.168.0.1'],
    ['8.8.8.8', '127.0.0.1'],
  ])('a name that resolves to %s is refused after it was looked up', async (...addresses) => {
    const { status, error } = await outbound({ allowLoopback: false, ...resolving(...addresses) }).post(
      `https://partner.example:${port()}/hook`,
      {},
      '{}',
    )
    expect([status, error]).toEqual([null, refused])
    expect(receiver.received).toHaveLength(0)
  })

  it('the address that was checked is the one that is connected to: a name is looked up once', async () => {
    let lookups = 0
    const rebinding = {
      lookup: async (): Promise<LookupAddress[]> => [
        { address: ++lookups === 1 ? '127.0.0.1' : '10.0.0.1', family: 4 },
      ],
    }
    const { status } = await outbound(rebinding).post(`http://localhost:${port()}/hook`, {}, '{}')
    expect([status, lookups]).toEqual([204, 1])
  })

  it('an address in the URL is checked too, though nothing is looked up', async () => {
    const strict = outbound({ allowLoopback: false })
    for (const host of ['127.0.0.1', '[::1]', '[::ffff:7f00:1]', '2130706433']) {
      const { status, error } = await strict.post(`https://${host}:${port()}/hook`, {}, '{}')
      expect(status).toBeNull()
      expect(error).toMatch(/this machine|private or reserved/)
    }
    expect(receiver.received).toHaveLength(0)
  })

  it('a host that is not there is told in words', async () => {
    const gone = outbound({
      lookup: async () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' })),
    })
    expect((await gone.post('https://nowhere.example/', {}, '{}')).error).toBe(
      'The name of the host is not known.',
    )
    const dead = await startReceiver()
    await dead.close()
    expect((await outbound().post(dead.url, {}, '{}')).error).toBe('The host refused the connection.')
  })
})

describe('answers', () => {
  it('redirects are not followed', async () => {
    receiver.answer((response) =>
      response.writeHead(307, { location: 'http://169.254.169.254/' }).end('elsewhere'),
    )
    const answer = await outbound().post(receiver.url, {}, '{}')
    expect(answer).toMatchObject({
      status: 307,
      error: null,
      headers: { location: 'http://169.254.169.254/' },
    })
    expect(receiver.received).toHaveLength(1)
  })

  it('no more than 16 KB are read, of an answer without end either', async () => {
    let sent = 0
    receiver.answer((response) => {
      response.writeHead(200)
      const more = (): void => {
        if (response.destroyed || sent > 50_000_000) return
        sent += 65_536
        response.write('x'.repeat(65_536), () => setImmediate(more))
      }
      more()
    })
    const answer = await outbound().post(receiver.url, {}, '{}')
    expect(answer).toMatchObject({ status: 200, isTruncated: true })
    expect(answer.body).toHaveLength(16_384)
    expect(sent).toBeLessThan(50_000_000)
  })

  it('one that does not come, or does not end, is given up in time', async () => {
    const quick = outbound({ timeoutMs: 300 })
    receiver.answer(() => undefined)
    const silent = await quick.post(receiver.url, {}, '{}')
    expect(silent).toMatchObject({ status: null, error: 'No answer came within 0.3 s.' })
    receiver.answer((response) => void response.writeHead(200).write('begun'))
    expect((await quick.post(receiver.url, {}, '{}')).status).toBeNull()
    expect(silent.durationMs).toBeLessThan(5_000)
  })

  it('what is sent arrives as it was', async () => {
    await outbound().post(receiver.url, { 'webhook-id': 'ev_1_2' }, '{"a":"ü"}')
    expect(receiver.received[0]).toMatchObject({ body: '{"a":"ü"}', path: '/hook' })
    expect(receiver.received[0]?.headers['webhook-id']).toBe('ev_1_2')
  })
})
