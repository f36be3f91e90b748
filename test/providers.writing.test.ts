/**
 * What every provider of the registry promises of its writing, shown against its simulator through the real transport: once
 * per key, only the given fields, never over a newer version, each item of a batch for itself. `PROVIDER=<slug>` runs one.
 */
import type { JsonObject, JsonValue } from '../model/json.ts'
import { applyMapping, applyOutward, lookUp } from '../model/mapping.ts'
import { checkOutward } from '../model/mapping-check.ts'
import { isSame, leavesOf } from '../model/merge.ts'
import { isHubError } from '../platform/errors.ts'
import type { Provider, Resource, Row, Writer } from '../providers/contract.ts'
import { providers } from '../providers/registry.ts'
import { noChaos } from '../sandbox/chaos.ts'
import { startProviderBench, type ProviderBench } from './harness/provider-bench.ts'

const wanted = process.env['PROVIDER']
const chosen: readonly Provider[] = (providers as readonly Provider[]).filter(
  ({ slug }) => wanted === undefined || slug === wanted,
)

interface Place {
  readonly bench: ProviderBench
  readonly resource: Resource
  readonly writer: Writer
}

/** `"@customers"` stands for the id of some object. */
function withIds(value: JsonValue, idOf: (resource: string) => string): JsonValue {
  if (typeof value === 'string') return value.startsWith('@') ? idOf(value.slice(1)) : value
  if (Array.isArray(value)) return value.map((one) => withIds(one, idOf))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withIds(inner, idOf)]))
}

let serial = 0

/** Texts that must be unique at the provider (names, e-mail addresses) differ from one call to the next. */
const unique = (value: JsonValue): JsonValue =>
  typeof value === 'string'
    ? value.replaceAll('#', String(serial))
    : Array.isArray(value)
      ? value.map(unique)
      : value !== null && typeof value === 'object'
        ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unique(inner)]))
        : value

function fieldsOf(
  { bench, writer }: Place,
  example: JsonObject,
): { readonly model: JsonObject; readonly own: JsonObject } {
  serial++
  const idOf = (resource: string) =>
    Object.keys(bench.sandbox.control.state(bench.provider.slug, resource))[0] ?? ''
  const model = unique(withIds(example, idOf)) as JsonObject
  const { mapped, problems } = applyOutward(writer.mapping, model)
  expect(problems).toEqual([])
  return { model, own: mapped }
}

let keys = 0
const newKey = () => `wrt_01KATKIT${String(++keys).padStart(18, '0')}`

async function readOne({ bench, resource }: Place, id: string): Promise<Row | undefined> {
  const answer = await resource.getMany?.(bench.open(), [id])
  const row = answer?.rows.find((one) => resource.externalId(one) === id)
  return row && resource.isDeleted?.(row) ? undefined : row
}

const count = ({ bench, resource }: Place) =>
  Object.keys(bench.sandbox.control.state(bench.provider.slug, resource.name)).length

/** Every field that was written is found in the row again. */
function expectWritten({ writer }: Place, own: JsonObject, row: Row): void {
  for (const { path, value } of leavesOf(own)) {
    if (Array.isArray(value)) continue
    const found = lookUp(row, (writer.readPath?.(path) ?? path).split('.'))
    expect([path, isSame(found, value) || Number(found) === Number(value)]).toEqual([path, true])
  }
}

async function made(place: Place): Promise<{ readonly id: string; readonly row: Row }> {
  const { bench, resource, writer } = place
  const existing = Object.entries(bench.sandbox.control.state(bench.provider.slug, resource.name))[0]
  if (!writer.create || !writer.example?.create) {
    if (!existing) throw new Error(`${resource.name} has no object`)
    const row = await readOne(place, existing[0])
    if (!row) throw new Error(`${resource.name} ${existing[0]} cannot be read`)
    return { id: existing[0], row }
  }
  const { row } = await writer.create(bench.open(), fieldsOf(place, writer.example.create).own, newKey())
  return { id: resource.externalId(row), row }
}

const written = chosen.flatMap((provider) =>
  provider.resources.flatMap((resource) =>
    resource.write ? [[provider.name, resource.name, provider, resource, resource.write] as const] : [],
  ),
)

if (written.length > 0)
  describe.each(written)('%s: writing %s', (_provider, name, provider, resource, writer) => {
    let bench: ProviderBench
    let place: Place
    beforeAll(async () => {
      bench = await startProviderBench(provider)
      place = { bench, resource, writer }
    })
    afterEach(() => void bench.sandbox.control.chaos(noChaos))
    afterAll(() => bench.close())

    it('has a mapping without fault, an example, and can be read by id', () => {
      expect(checkOutward(writer.mapping)).toEqual([])
      expect(writer.mapping.model).toBe(resource.model)
      expect(resource.getMany).toBeDefined()
      expect(writer.example).toBeDefined()
    })

    it('makes an object with what was given; the answer is what a reading gives', async () => {
      if (!writer.create || !writer.example?.create) return
      const before = count(place)
      const { own } = fieldsOf(place, writer.example.create)
      const { row } = await writer.create(bench.open(), own, newKey())
      expectWritten(place, own, row)
      const id = resource.externalId(row)
      expect(await readOne(place, id)).toEqual(row)
      expect(count(place)).toBe(before + 1)
      expect(applyMapping(resource.mapping, row).problems).toEqual([])
    })

    it('makes it once per key, also when the answer is lost on its way', async () => {
      if (!writer.create || !writer.example?.create) return
      const { own } = fieldsOf(place, writer.example.create)
      const key = newKey()
      const before = count(place)
      bench.sandbox.control.chaos({ ...noChaos, cutRate: 1, forCalls: 3 })
      let row: Row | undefined
      for (let attempt = 1; !row && attempt < 20; attempt++) {
        try {
          row = (await writer.create(bench.open(), own, key)).row
        } catch (error) {
          if (!isHubError(error, 'Unavailable')) throw error
          bench.pass(5_000)
        }
      }
      const again = await writer.create(bench.open(), own, key)
      expect(resource.externalId(again.row)).toBe(row && resource.externalId(row))
      expect(count(place)).toBe(before + 1)
    })

    it('changes the given fields and no others', async () => {
      if (!writer.update || !writer.example) return
      const { id, row } = await made(place)
      const { own } = fieldsOf(place, writer.example.change)
      bench.pass(2_000)
      const after = (await writer.update(bench.open(), id, own, row, newKey())).row
      expectWritten(place, own, after)
      expect(await readOne(place, id)).toEqual(after)
      const mapped = applyMapping(resource.mapping, after).mapped
      const before = applyMapping(resource.mapping, row).mapped
      const touched = new Set([
        ...Object.keys(writer.example.change),
        'updatedAt',
        'zones',
        'status',
        'balance',
        'stageHistory',
        'tax',
        'total',
        'subtotal',
        'name',
        'lines',
        'unapplied',
        'properties',
      ])
      for (const field of Object.keys(before).filter((one) => !touched.has(one)))
        expect([field, mapped[field]]).toEqual([field, before[field]])
    })

    it('refuses to write over a newer version where the provider has versions, and says NotFound of what is gone', async () => {
      if (!writer.update || !writer.example) return
      const { id, row } = await made(place)
      const { own } = fieldsOf(place, writer.example.change)
      bench.pass(2_000)
      await writer.update(bench.open(), id, own, row, newKey())
      bench.pass(2_000)
      const next = fieldsOf(place, writer.example.change).own
      const outcome = await writer.update(bench.open(), id, next, row, newKey()).then(
        () => 'written',
        (error: unknown) => (isHubError(error) ? error.code : String(error)),
      )
      expect(['written', 'Conflict']).toContain(outcome)
    })

    it('removes an object; removing it again is no error', async () => {
      if (!writer.remove || !writer.create || !writer.example?.create) return
      const { id, row } = await made(place)
      bench.pass(2_000)
      await writer.remove(bench.open(), id, row, newKey())
      const after = await readOne(place, id)
      // Some objects are voided, not deleted.
      if (after)
        expect(
          applyMapping(resource.mapping, after).mapped['status'] ??
            applyMapping(resource.mapping, after).mapped['isActive'],
        ).not.toEqual(applyMapping(resource.mapping, row).mapped['status'] ?? true)
      await writer.remove(bench.open(), id, row, newKey())
    })

    it('takes a batch, each item for itself', async () => {
      const { batch, example } = writer
      if (!batch || !example?.create || !writer.create) return
      const before = count(place)
      const items = [1, 2, 3].map(() => ({
        operation: 'create' as const,
        externalId: '',
        fields: fieldsOf(place, example.create ?? {}).own,
        idempotencyKey: newKey(),
      }))
      const gone = {
        operation: 'update' as const,
        externalId: '999999999999',
        fields: fieldsOf(place, example.change).own,
        idempotencyKey: newKey(),
      }
      const outcomes = await batch.write(bench.open(), [...items, gone])
      expect(outcomes).toHaveLength(4)
      expect(outcomes.slice(0, 3).map((outcome) => outcome !== undefined && 'row' in outcome)).toEqual([
        true,
        true,
        true,
      ])
      expect(isHubError(outcomes[3]) || outcomes[3] === undefined).toBe(true)
      expect(count(place)).toBe(before + 3)
    })

    it(`says NotFound of an object of ${name} that does not exist`, async () => {
      if (!writer.update || !writer.example || provider.category === 'analytics') return
      const { row } = await made(place)
      const { own } = fieldsOf(place, writer.example.change)
      const failure = await writer.update(bench.open(), '999999999999', own, row, newKey()).then(
        () => undefined,
        (error: unknown) => error,
      )
      expect(isHubError(failure) ? failure.code : 'written').toMatch(/^(NotFound|Invalid|Conflict)$/)
    })
  })

if (written.length === 0) it('has nothing to write', () => undefined)
