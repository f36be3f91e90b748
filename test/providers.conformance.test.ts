/**
 * What every provider of the registry promises, shown against its simulator through the real transport. A new provider has
 * nothing to add here. `PROVIDER=<slug> npm test -- conformance` runs one.
 */
import { inspect } from 'node:util'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { applyMapping } from '../model/mapping.ts'
import { checkMapping } from '../model/mapping-check.ts'
import { HubError } from '../platform/errors.ts'
import type { JsonSchema } from '../model/json.ts'
import type { Limits, Resource } from '../providers/contract.ts'
import type { CredentialSource } from '../providers/http/session.ts'
import { providers } from '../providers/registry.ts'
import { noChaos } from '../sandbox/chaos.ts'
import {
  contentOf,
  readPages,
  shows,
  startProviderBench,
  stored,
  takeOver,
  type ProviderBench,
} from './harness/provider-bench.ts'

const wanted = process.env['PROVIDER']
const chosen = providers.filter(({ slug }) => wanted === undefined || slug === wanted)
if (chosen.length === 0) throw new Error(`PROVIDER=${wanted}: the registry has no such provider`)

const ajv = new Ajv2020({ strict: false, allErrors: true })
addFormats.default(ajv, { mode: 'fast' })

/** What a call fails with. */
async function failureOf(work: Promise<unknown>): Promise<HubError> {
  const error: unknown = await work.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  )
  if (error instanceof HubError) return error
  throw error
}

describe.each(chosen.map((provider) => [provider.name, provider] as const))('%s', (_name, provider) => {
  const resources: readonly Resource[] = provider.resources
  const each = resources.map((resource) => [resource.name, resource] as const)
  let bench: ProviderBench
  beforeAll(async () => {
    bench = await startProviderBench(provider)
  })
  afterEach(() => void bench.sandbox.control.chaos(noChaos))
  afterAll(() => bench.close())

  /** Kinds of object that the simulator holds. */
  const isSimulated = (name: string) =>
    Object.keys(bench.sandbox.control.state(provider.slug, name)).length > 0
  const idsOf = (name: string) => Object.keys(bench.sandbox.control.state(provider.slug, name)).sort()
  /** A resource with more than one page. */
  const longest = async (): Promise<Resource> => {
    for (const resource of resources) if ((await readPages(bench, resource)).length > 1) return resource
    throw new Error('no resource has a second page')
  }

  describe('its manifest', () => {
    it('names links, setup fields and limits that hold together, and a sample that fits them', () => {
      const { settings, secrets, origins } = bench.sample
      for (const { url } of provider.docs) expect(new URL(url).protocol).toBe('https:')
      expect(origins).toContain(new URL(provider.baseUrl(settings)).origin)
      for (const { name, secret, required, pattern, patternHint } of bench.auth.setup.flatMap(
        ({ fields }) => fields,
      )) {
        const value = secret ? secrets[name] : settings[name]
        if (required) expect([name, value]).toEqual([name, expect.any(String)])
        if (value !== undefined) expect([name, new RegExp(pattern).test(value)]).toEqual([name, true])
        expect(patternHint).not.toBe('')
      }
      for (const buckets of Object.values<readonly string[]>(provider.limits.groups))
        for (const bucket of buckets) expect(Object.keys(provider.limits.buckets)).toContain(bucket)
    })

    it('reads resources after those they point to, each with a mapping and a schema without fault', () => {
      const before = new Set<string>()
      for (const { name, after, mapping, model, schema } of resources) {
        expect([name, after.filter((other) => !before.has(other))]).toEqual([name, []])
        expect(before.has(name)).toBe(false)
        before.add(name)
        expect([name, checkMapping(mapping)]).toEqual([name, []])
        expect(mapping.model).toBe(model)
        ajv.compile(schema)
      }
    })

    it('has actions and reports with names of their own and schemas that compile', () => {
      const named: readonly { name: string; input: JsonSchema; output: JsonSchema }[] = [
        ...provider.actions,
        ...provider.reports,
      ]
      expect(new Set(named.map(({ name }) => name)).size).toBe(named.length)
      for (const { name, input, output } of named) {
        expect(name).toMatch(/^[a-z][a-z0-9_]*$/)
        ajv.compile(input)
        ajv.compile(output)
      }
    })
  })

  describe('its health check', () => {
    it('proves a good credential and shows no secret', async () => {
      const finding = await provider.health.check(bench.open())
      expect(finding.proves).not.toBe('')
      const { secrets, settings } = bench.sample
      expect(shows(JSON.stringify(finding), secrets, bench.auth.headers(secrets, settings))).toBe(false)
    })

    it('says Unauthorized of a wrong one', async () => {
      const wrong: CredentialSource = {
        current: async () => ({ generation: 1, secrets: bench.wrongSecrets }),
        renew: async () => undefined,
      }
      expect((await failureOf(provider.health.check(bench.open(wrong)))).code).toBe('Unauthorized')
    })
  })

  it('has something to read', () => expect(each).not.toEqual([]))

  // `each` of nothing is an error to jest.
  const some = each.length > 0 ? describe.each(each) : () => undefined
  some('reading %s', (name, resource) => {
    it('gives every object, each fitting its schema, with an id, and mapped without loss', async () => {
      const pages = await readPages(bench, resource)
      const { living } = takeOver(resource, pages)
      if (isSimulated(name)) expect([...living.keys()].sort()).toEqual(idsOf(name))
      const fits = ajv.compile(resource.schema)
      for (const row of living.values()) {
        expect([fits(row), fits.errors]).toEqual([true, null])
        expect(resource.externalId(row)).not.toBe('')
        const updatedAt = resource.updatedAt(row)
        if (updatedAt !== undefined) expect(Date.parse(updatedAt)).not.toBeNaN()
        const { mapped, problems } = applyMapping(resource.mapping, row)
        expect(problems).toEqual([])
        expect(mapped['id']).toBe(resource.externalId(row))
      }
    })

    it('goes on from any page’s stored position as if it had not stopped', async () => {
      for (const page of await readPages(bench, resource)) {
        const again = await resource.readPage(bench.open(), stored(page.from))
        expect(contentOf(again)).toEqual(contentOf(page))
        expect([again.next, again.done]).toEqual([page.next, page.done])
      }
    })

    it('reads a page no older than when it was asked for', async () => {
      for (const page of await readPages(bench, resource)) expect(page.readAt).toEqual(bench.now())
    })
  })

  some('following %s', (name, resource) => {
    it('loses no change that is made between its pages', async () => {
      if (!isSimulated(name)) return
      const { control } = bench.sandbox
      const edits = (page: number) => {
        if (page > 6) return
        bench.pass(1_000)
        control.edit(provider.slug, { resource: name, update: 3, create: 2, delete: 1 })
      }
      const first = await readPages(bench, resource, undefined, edits)
      bench.pass(10 * 60_000)
      const next = resource.incremental ? first.at(-1)?.next : undefined
      const second = await readPages(bench, resource, next)
      const { living, gone } = takeOver(resource, [...first, ...second])
      const truth = control.state(provider.slug, name)
      // What a scan would find missing is still there in a read that only follows.
      const left = resource.deletions === 'tombstone' ? [] : [...living.keys()].filter((id) => !(id in truth))
      expect([...living.keys()].filter((id) => !left.includes(id)).sort()).toEqual(idsOf(name))
      for (const id of gone) expect(truth).not.toHaveProperty([id])
      for (const [id, row] of living)
        if (truth[id]) expect([id, resource.updatedAt(row)]).toEqual([id, resource.updatedAt(truth[id])])
    })

    it('loses nothing, or fails aloud, when more objects change in one moment than a page holds', async () => {
      if (!isSimulated(name) || !resource.incremental) return
      const frozen = await startProviderBench(provider, { minuteRule: 'real' })
      try {
        const before = await readPages(frozen, resource)
        const edits = frozen.sandbox.control.edit(provider.slug, { resource: name, update: 90, create: 50 })
        frozen.pass(10 * 60_000)
        const from = before.at(-1)?.next
        const after = await readPages(frozen, resource, from).catch((error: unknown) => {
          expect(error).toMatchObject({ code: 'Protocol' })
        })
        if (!after) return
        const { living } = takeOver(resource, [...before, ...after])
        const truth = frozen.sandbox.control.state(provider.slug, name)
        for (const { id } of edits) {
          const row = living.get(id)
          if (!truth[id]) continue
          expect([id, row && resource.updatedAt(row)]).toEqual([id, resource.updatedAt(truth[id])])
          expect(row).toBeDefined()
        }
      } finally {
        await frozen.close()
      }
    })

    it('reads objects again by id, and leaves out what is gone', async () => {
      if (!isSimulated(name) || !resource.getMany) return
      const [edit] = bench.sandbox.control.edit(provider.slug, { resource: name, delete: 1 })
      const kept = idsOf(name).slice(0, 5)
      const { rows } = await resource.getMany(bench.open(), [...kept, edit?.id ?? ''])
      const living = rows.filter((row) => !resource.isDeleted?.(row))
      expect(living.map(resource.externalId).sort()).toEqual(kept)
      expect((await resource.getMany(bench.open(), [])).rows).toEqual([])
    })

    it('counts as many as there are, where the provider counts', async () => {
      const count = await resource.count?.(bench.open())
      if (count !== undefined && isSimulated(name)) expect(count).toBe(idsOf(name).length)
    })
  })

  describe('a fault of the provider', () => {
    it.each([
      ['a 429', { rate429: 1 }, 'RateLimited'],
      ['a 5xx', { rate5xx: 1 }, 'Unavailable'],
      ['a cut connection', { cutRate: 1 }, 'Unavailable'],
      ['a page of HTML', { htmlRate: 1 }, 'Protocol'],
    ])('%s is ridden out once, and named when it lasts', async (_what, chaos, code) => {
      const { control } = bench.sandbox
      for (const resource of resources) {
        const from = resource.start({ settings: bench.sample.settings, now: bench.now })
        control.chaos({ ...noChaos, ...chaos, forCalls: 1 })
        expect((await resource.readPage(bench.open(), from)).next).toBeDefined()
        control.chaos({ ...noChaos, ...chaos })
        const before = bench.now()
        const failure = await failureOf(resource.readPage(bench.open(), from))
        expect([resource.name, failure.code]).toEqual([resource.name, code])
        if (code === 'RateLimited') expect(failure.retryAt?.getTime()).toBeGreaterThan(before.getTime())
      }
    })

    it.each([['driftRate'], ['dropRate']])(
      'a row that is not as documented (%s) breaks nothing else',
      async (rate) => {
        for (const resource of resources) {
          bench.sandbox.control.chaos({ ...noChaos, [rate]: 1 })
          const from = resource.start({ settings: bench.sample.settings, now: bench.now })
          const page = await resource.readPage(bench.open(), from)
          const fits = ajv.compile(resource.schema)
          const good = page.rows.filter((row) => fits(row))
          expect(page.rows.length - good.length).toBeLessThanOrEqual(1)
          for (const row of good) expect(resource.externalId(row)).not.toBe('')
        }
      },
    )

    it('a credential that expires in the middle is renewed once; without a new one it is Unauthorized', async () => {
      const resource = await longest()
      const { secrets, settings } = bench.sample
      const first = await resource.readPage(bench.open(), resource.start({ settings, now: bench.now }))
      bench.sandbox.control.setSecrets(provider.slug, bench.wrongSecrets)
      try {
        expect((await failureOf(resource.readPage(bench.open(), first.next))).code).toBe('Unauthorized')
        const refused: number[] = []
        const renewing: CredentialSource = {
          current: async () => ({ generation: 7, secrets }),
          renew: async (generation) => {
            refused.push(generation)
            return { generation: 8, secrets: bench.wrongSecrets }
          },
        }
        expect((await resource.readPage(bench.open(renewing), first.next)).rows.length).toBeGreaterThan(0)
        expect(new Set(refused)).toEqual(new Set([7]))
      } finally {
        bench.sandbox.control.setSecrets(provider.slug, secrets)
      }
    })

    it('shows no secret in any error, trace or metric (INV-6)', async () => {
      const { control } = bench.sandbox
      const { secrets, settings } = bench.sample
      const errors: string[] = []
      for (const chaos of [{ rate429: 1 }, { rate5xx: 1 }, { cutRate: 1 }, { htmlRate: 1 }]) {
        control.chaos({ ...noChaos, ...chaos })
        errors.push(
          inspect(await failureOf(provider.health.check(bench.open())), { depth: 10, showHidden: true }),
        )
      }
      const seen = [...errors, JSON.stringify(bench.traces), await bench.metrics.registry.metrics()].join(
        '\n',
      )
      expect(shows(seen, secrets, bench.auth.headers(secrets, settings))).toBe(false)
      for (const { path } of bench.traces) expect(path).not.toContain('?')
    })
  })

  it('learns from its answers only buckets that it defines, and teaches at least one, where they speak of limits', async () => {
    if (!provider.limits.learn) return
    const lessons = new Set<string>()
    const learn: Limits['learn'] = (group, headers, now) => {
      const learnt = provider.limits.learn?.(group, headers, now) ?? []
      for (const { bucket } of learnt) lessons.add(bucket)
      return learnt
    }
    const own = await startProviderBench({ ...provider, limits: { ...provider.limits, learn } })
    try {
      for (const resource of resources) await readPages(own, resource)
    } finally {
      await own.close()
    }
    for (const bucket of lessons) expect(Object.keys(provider.limits.buckets)).toContain(bucket)
    expect(lessons.size).toBeGreaterThan(0)
  })
})
