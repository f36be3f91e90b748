/** Dashboards and alert rules name only metrics that there are. */
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parse } from 'yaml'
import { createMetrics } from '../../platform/metrics.ts'
import { startMeteredWorker, type MeteredWorker } from '../harness/metered-worker.ts'
import { createTestDatabase, type TestDatabase } from '../harness/postgres.ts'

const deploy = path.resolve(import.meta.dirname, '../../deploy')

interface Dashboard {
  readonly uid: string
  readonly panels: {
    readonly id: number
    readonly title: string
    readonly targets: { readonly expr: string }[]
  }[]
  readonly templating: { readonly list: { readonly query: string }[] }
}
interface Rules {
  readonly groups: { readonly rules: { readonly alert: string; readonly expr: string }[] }[]
}

/** Series by the types that a `/metrics` tells of: a histogram is three. */
const seriesIn = (text: string): string[] =>
  [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].flatMap(([, name = '', type]) =>
    type === 'histogram' ? ['bucket', 'sum', 'count'].map((part) => `${name}_${part}`) : [name],
  )

const namesIn = (text: string): string[] => text.match(/\b(?:tieline|temporal)_\w+|\bup\b(?=\{)/g) ?? []

const dashboards = async (): Promise<Dashboard[]> => {
  const names = (await readdir(path.join(deploy, 'grafana'))).filter((name) => name.endsWith('.json'))
  return await Promise.all(
    names.map(
      async (name) => JSON.parse(await readFile(path.join(deploy, 'grafana', name), 'utf8')) as Dashboard,
    ),
  )
}

const alertRules = async () => {
  const text = await readFile(path.join(deploy, 'prometheus/alerts.yml'), 'utf8')
  return (parse(text) as Rules).groups.flatMap((group) => group.rules)
}

/** Every query of a dashboard, its variables included. */
const queriesOf = ({ panels, templating }: Dashboard): string[] => [
  ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  ...templating.list.map(({ query }) => query),
]

let database: TestDatabase
let worker: MeteredWorker
/** What the `/metrics` of a real worker show. `up` is Prometheus' own. */
let known: ReadonlySet<string>
beforeAll(async () => {
  database = await createTestDatabase(1)
  worker = await startMeteredWorker(database)
  // Some of the SDK's are shown only once there was something to count.
  await worker.drive()
  const queries = [
    ...(await dashboards()).flatMap(queriesOf),
    ...(await alertRules()).map(({ expr }) => expr),
  ]
  for (const end = Date.now() + 30_000; ; await delay(250)) {
    const texts = await Promise.all([worker.hubMetrics(), worker.temporalMetrics()])
    known = new Set(['up', ...texts.flatMap(seriesIn)])
    const isAllThere = queries.flatMap(namesIn).every((name) => known.has(name))
    // What is missing then is named by the tests.
    if (isAllThere || Date.now() > end) break
  }
}, 120_000)
afterAll(async () => {
  await worker?.close()
  await database?.drop()
})

describe('deploy/', () => {
  it('has dashboards whose every panel asks for metrics that exist', async () => {
    const all = await dashboards()
    expect(all.map(({ uid }) => uid).sort()).toEqual(['tieline-flow', 'tieline-hub', 'tieline-providers'])
    for (const { panels, templating } of all) {
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
      for (const { title, targets } of panels)
        for (const { expr } of targets) {
          expect([title, namesIn(expr).length > 0]).toEqual([title, true])
          expect([title, namesIn(expr).filter((name) => !known.has(name))]).toEqual([title, []])
        }
      for (const { query } of templating.list)
        expect(namesIn(query).filter((name) => !known.has(name))).toEqual([])
    }
  })

  it('shows every metric of the hub itself on some dashboard', async () => {
    const shown = new Set(
      (await dashboards()).flatMap(({ panels }) =>
        panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => namesIn(expr))),
      ),
    )
    const own = (await createMetrics().registry.getMetricsAsJSON())
      .map(({ name }) => name)
      .filter((name) => !/^tieline_(process|nodejs)_/.test(name))
    const missing = own.filter((name) => !['', '_bucket', '_count'].some((part) => shown.has(name + part)))
    expect(missing).toEqual([])
  })

  it('has alert rules on metrics that exist, each with a name of its own', async () => {
    const rules = await alertRules()
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length)
    for (const { alert, expr } of rules) {
      expect([alert, namesIn(expr).length > 0]).toEqual([alert, true])
      expect([alert, namesIn(expr).filter((name) => !known.has(name))]).toEqual([alert, []])
    }
  })
})
