/** Balances of customers and vendors follow from their transactions: a sync that follows changes has them all the same. */
import type { Position, Resource, Row } from '../../providers/contract.ts'
import { quickbooks } from '../../providers/quickbooks/index.ts'
import { startProviderBench, type ProviderBench } from '../harness/provider-bench.ts'

let bench: ProviderBench
beforeEach(async () => {
  bench = await startProviderBench(quickbooks)
})
afterEach(() => bench.close())

function resourceOf(name: string): Resource {
  const found = quickbooks.resources.find((one) => one.name === name)
  if (!found) throw new Error(`no ${name}`)
  return found
}

/** Reads on from a position to the end, keeping the newest row of each object. */
async function follow(resource: Resource, from: Position, store: Map<string, Row>): Promise<Position> {
  let position = from
  for (let pages = 0; pages < 50; pages++) {
    const page = await resource.readPage(bench.open(), JSON.parse(JSON.stringify(position)) as Position)
    for (const row of page.rows) store.set(resource.externalId(row), row)
    position = page.next
    if (page.done) return position
  }
  throw new Error('the read does not end')
}

const balances = (store: ReadonlyMap<string, Row>): Record<string, unknown> =>
  Object.fromEntries([...store].map(([id, row]) => [id, row['Balance']]))

async function everything(resource: Resource): Promise<Map<string, Row>> {
  const store = new Map<string, Row>()
  const settings = bench.open().settings
  await follow(resource, resource.start({ settings, now: () => new Date() }), store)
  return store
}

it.each([
  ['customers', 'invoices', 'CustomerRef'],
  ['vendors', 'bills', 'VendorRef'],
])('the balance of %s follows %s that are changed and deleted', async (parties, documents, ref) => {
  const resource = resourceOf(parties)
  const store = new Map<string, Row>()
  let position = await follow(
    resource,
    resource.start({ settings: bench.open().settings, now: () => new Date() }),
    store,
  )
  const writer = resourceOf(documents).write
  const open = (await everything(resourceOf(documents))).values()
  const row = [...open].find((one) => Number(one['Balance']) > 0 && one['Balance'] === one['TotalAmt'])
  if (!row || !writer?.update || !writer.remove) throw new Error('nothing to change')
  const { value: partyId } = row[ref] as { value: string }

  bench.pass(3_600_000)
  const [line] = row['Line'] as Record<string, unknown>[]
  if (!line) throw new Error('no line')
  const before = store.get(partyId)?.['Balance']
  const id = String(row['Id'])
  const fields = {
    Line: [{ Id: String(line['Id']), Amount: Number(line['Amount']) + 10, ...priced(line) }],
  }
  const { row: changed } = await writer.update(bench.open(), id, fields, row, 'wrt_PARTIES1')
  position = await follow(resource, position, store)
  expect(store.get(partyId)?.['Balance']).not.toBe(before)
  expect(balances(store)).toEqual(balances(await everything(resource)))

  bench.pass(3_600_000)
  await writer.remove(bench.open(), id, changed, 'wrt_PARTIES2')
  position = await follow(resource, position, store)
  expect(balances(store)).toEqual(balances(await everything(resource)))
  expect(position).toEqual({ since: expect.any(String) as string })
})

/** The price of a sold item goes with its amount. */
function priced(line: Readonly<Record<string, unknown>>): { 'SalesItemLineDetail.UnitPrice'?: number } {
  const detail = line['SalesItemLineDetail'] as { Qty?: number } | undefined
  if (!detail) return {}
  return { 'SalesItemLineDetail.UnitPrice': (Number(line['Amount']) + 10) / (detail.Qty ?? 1) }
}
