/**
 * What every provider's webhook part must do with what is genuine and what is not: samples pass and are read; any one byte that is
 * changed, another secret, an old timestamp, a missing or repeated header is refused. `PROVIDER=<slug>` picks one.
 */
import fc from 'fast-check'
import { findProvider, hookSources } from '../providers/registry.ts'
import type { HookRequest, HookSampleSpec, HookSecrets, Webhooks } from '../providers/contract-webhook.ts'

const wanted = process.env['PROVIDER']
const sources = hookSources.filter(({ slug }) => wanted === undefined || slug === wanted)
const now = new Date('2026-11-24T10:00:00.000Z')
const origin = 'https://hub.example.com'

const secretsOf = (webhooks: Webhooks, mark = 'one'): Record<string, string> =>
  Object.fromEntries(webhooks.secrets.map(({ name }) => [name, `${name}-${mark}-s3cr3t`]))
const keyed = (secrets: Record<string, string>): HookSecrets =>
  Object.fromEntries(Object.entries(secrets).map(([name, value]) => [name, [value]]))

interface Case {
  readonly slug: string
  readonly webhooks: Webhooks
  readonly sample: HookSampleSpec
}

interface Wish {
  readonly secrets?: Record<string, string>
  readonly at?: Date
  readonly id?: string
  readonly tenant?: string
}

function requestOf({ slug, webhooks, sample }: Case, wish: Wish = {}): HookRequest {
  const url = new URL(webhooks.scope === 'app' ? `/hooks/${slug}` : `/hooks/${slug}/con_01KATEST`, origin)
  const secrets = wish.secrets ?? secretsOf(webhooks)
  const at = wish.at ?? now
  const { event } = sample
  const { tenant = '4620816365001234567', id = 'a1' } = wish
  const made = webhooks.sample({ event, url, tenant, externalId: '123', secrets, now: at, id })
  return {
    method: made.method,
    url,
    headers: new Map(Object.entries(made.headers).map(([name, value]) => [name.toLowerCase(), [value]])),
    body: Buffer.from(made.body, 'utf8'),
    receivedAt: now,
  }
}

const settings = {}
function isGenuine({ webhooks }: Case, request: HookRequest, secrets = keyed(secretsOf(webhooks))): boolean {
  const checks = webhooks.verify(request, secrets, settings)
  return checks.length > 0 && checks.every(({ passed }) => passed)
}

const cases = sources.flatMap(({ slug, webhooks }) =>
  webhooks.samples.map((sample): [string, string, Case] => [slug, sample.event, { slug, webhooks, sample }]),
)

/** Headers that prove something: the request is refused without them. */
const provingHeaders = (one: Case, request: HookRequest): string[] =>
  [...request.headers.keys()].filter((name) => {
    const headers = new Map([...request.headers].filter(([other]) => other !== name))
    return !isGenuine(one, { ...request, headers })
  })

/** Bodies that hold a token prove something too, if not their other bytes. */
const holdsProof = (one: Case, request: HookRequest): boolean =>
  !isGenuine(one, { ...request, body: Buffer.from('{}') })

const isSigned = (one: Case, request: HookRequest): boolean =>
  !isGenuine(one, { ...request, body: Buffer.concat([request.body, Buffer.from(' ')]) })

if (cases.length > 0)
  describe.each(cases)('%s: a webhook of %s', (slug, _event, one) => {
    const { webhooks, sample } = one

    it('is genuine, and read: one event for one delivery, whoever it belongs to', () => {
      const request = requestOf(one)
      expect(
        webhooks.verify(request, keyed(secretsOf(webhooks)), settings).filter(({ passed }) => !passed),
      ).toEqual([])
      if (webhooks.handshake?.(request, keyed(secretsOf(webhooks)))) return
      const events = webhooks.split(request)
      expect(events.length).toBeGreaterThan(0)
      const known = new Set([
        ...(findProvider(slug)?.resources.map(({ name }) => name) ?? []),
        ...(webhooks.received?.map(({ name }) => name) ?? []),
      ])
      for (const event of events) {
        expect(event.key).not.toBe('')
        if (webhooks.scope === 'app') expect(event.tenant).toBe('4620816365001234567')
        if (event.about === 'changed' || event.about === 'deleted') {
          expect([...known]).toContain(event.resource)
          expect(event.externalId).toMatch(/\S/)
        }
        if (event.row) {
          const resource = [...(findProvider(slug)?.resources ?? []), ...(webhooks.received ?? [])].find(
            ({ name }) => name === event.resource,
          )
          expect(resource?.externalId(event.row)).toBe(event.externalId)
        }
      }
      if (sample.resource !== undefined)
        expect(events).toContainEqual(
          expect.objectContaining({
            about: sample.effect === 'deleted' ? 'deleted' : 'changed',
            resource: sample.resource,
          }),
        )
      else expect(events.map(({ about }) => about)).not.toContain('unknown')
    })

    it('has the same keys when it is delivered again, and others for another event', () => {
      const keysOf = (request: HookRequest) =>
        webhooks.handshake?.(request, keyed(secretsOf(webhooks)))
          ? []
          : webhooks.split(request).map(({ key }) => key)
      const keys = keysOf(requestOf(one))
      expect(
        keysOf({
          ...requestOf(one),
          receivedAt: new Date(now.getTime() + Math.min(60_000, (webhooks.repeatWindowMs ?? Infinity) / 2)),
        }),
      ).toEqual(keys)
      expect(new Set(keys).size).toBe(keys.length)
      const later = keysOf(requestOf(one, { id: 'b2', at: new Date(now.getTime() - 7_000) }))
      for (const key of later) expect(keys).not.toContain(key)
    })

    it('is refused with another secret, without one, and taken with any of several', () => {
      const request = requestOf(one)
      expect(isGenuine(one, request, keyed(secretsOf(webhooks, 'two')))).toBe(false)
      expect(isGenuine(one, request, {})).toBe(false)
      expect(
        isGenuine(one, request, Object.fromEntries(webhooks.secrets.map(({ name }) => [name, ['']]))),
      ).toBe(false)
      const both = Object.fromEntries(
        webhooks.secrets.map(({ name }) => [name, [`${name}-two-s3cr3t`, `${name}-one-s3cr3t`]]),
      )
      expect(isGenuine(one, request, both)).toBe(true)
    })

    it('is refused when a header that proves it is missing, empty, repeated or changed in any byte', () => {
      const request = requestOf(one)
      const proving = provingHeaders(one, request)
      if (proving.length === 0) expect(holdsProof(one, request) || webhooks.unguessableUrl).toBe(true)
      for (const name of proving) {
        const [value = ''] = request.headers.get(name) ?? []
        const wrong: readonly string[][] = [
          [],
          [''],
          [value, value],
          [`${value} `],
          ...[...value]
            .map((letter, index) => [
              value.slice(0, index) + (letter === 'A' ? 'B' : 'A') + value.slice(index + 1),
            ])
            // `BAsic` is Basic: schemes may be written in any case (RFC 9110, 11.1).
            .filter(([changed = '']) => !/^basic /i.test(changed) || changed.startsWith('Basic ')),
        ]
        for (const values of wrong)
          expect([
            name,
            values,
            isGenuine(one, { ...request, headers: new Map(request.headers).set(name, values) }),
          ]).toEqual([name, values, false])
      }
    })

    it('is refused when any byte of a signed body is changed, added or left out', () => {
      const request = requestOf(one)
      if (!isSigned(one, request)) return
      const { length } = request.body
      fc.assert(
        fc.property(fc.nat(Math.max(0, length - 1)), fc.integer({ min: 1, max: 255 }), (index, change) => {
          const body = Buffer.from(request.body)
          body[index] = (body[index] ?? 0) ^ change
          return !isGenuine(one, { ...request, body })
        }),
        { numRuns: 300 },
      )
      fc.assert(
        fc.property(fc.nat(Math.max(0, length - 1)), (index) => {
          const shorter = Buffer.concat([request.body.subarray(0, index), request.body.subarray(index + 1)])
          const longer = Buffer.concat([
            request.body.subarray(0, index),
            Buffer.from('x'),
            request.body.subarray(index),
          ])
          return (
            !isGenuine(one, { ...request, body: shorter }) && !isGenuine(one, { ...request, body: longer })
          )
        }),
        { numRuns: 100 },
      )
    })

    it('is refused when it is old or far ahead, where its time is signed', () => {
      const old = requestOf(one, { at: new Date(now.getTime() - 10 * 60_000) })
      const ahead = requestOf(one, { at: new Date(now.getTime() + 10 * 60_000) })
      const checks = webhooks.verify(old, keyed(secretsOf(webhooks)), settings)
      if (!checks.some(({ name }) => name === 'timestamp')) return
      expect(isGenuine(one, old)).toBe(false)
      expect(isGenuine(one, ahead)).toBe(false)
    })

    it('never throws while verifying, whatever comes', () => {
      fc.assert(
        fc.property(
          fc.uint8Array({ maxLength: 300 }),
          fc.dictionary(
            fc.constantFrom(...requestOf(one).headers.keys(), 'x'),
            fc.array(fc.string(), { maxLength: 3 }),
          ),
          (bytes, headers) => {
            const body = Buffer.from(bytes)
            const request = { ...requestOf(one), headers: new Map(Object.entries(headers)), body }
            webhooks.unsignedHandshake?.(request)
            return !isGenuine(one, request)
          },
        ),
        { numRuns: 200 },
      )
    })
  })

if (sources.length > 0)
  describe.each(sources.map(({ slug, webhooks }) => [slug, webhooks] as const))(
    '%s: its webhooks',
    (_slug, webhooks) => {
      it('have secrets with names of their own, steps to set them up, and a sample for each', () => {
        const names = webhooks.secrets.map(({ name }) => name)
        expect(new Set(names).size).toBe(names.length)
        expect(webhooks.setup.length).toBeGreaterThan(0)
        expect(webhooks.setup.join('\n')).toContain('{url}')
        expect(webhooks.samples.length).toBeGreaterThan(0)
        expect(webhooks.maxBytes).toBeGreaterThan(1000)
      })

      it('refuse to make a sample that is not there', () => {
        const url = new URL('/hooks/x', origin)
        const wish = { event: 'no.such', url, tenant: '1', externalId: '1', secrets: {}, now, id: 'a' }
        expect(() => webhooks.sample(wish)).toThrow(
          expect.objectContaining({ code: 'InvalidInput' }) as Error,
        )
      })
    },
  )

if (sources.length === 0) it('nobody sends webhooks', () => expect(hookSources).toEqual([]))
