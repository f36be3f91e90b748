/** Dashboards and alert rules name only metrics that there are. */
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { parse } from 'yaml'
import { createMetrics } from '../../platform/metrics.ts'

const deploy = path.resolve(import.meta.dirname, '../../deploy')

/** Of the Temporal SDK's own (docs.temporal.io/references/sdk-metrics), read 2026-11-29; histograms in milliseconds. */
const ofTemporal: Readonly<Record<string, 'counter' | 'gauge' | 'histogram'>> = {
  temporal_workflow_task_schedule_to_start_latency: 'histogram',
  temporal_activity_schedule_to_start_latency: 'histogram',
  temporal_activity_execution_failed: 'counter',
  temporal_workflow_completed: 'counter',
  temporal_workflow_failed: 'counter',
  temporal_worker_task_slots_used: 'gauge',
  temporal_request_failure: 'counter',
}

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

const series = async (): Promise<ReadonlySet<string>> => {
  const known = new Set<string>(['up'])
  const add = (name: string, type: string) => {
    if (type !== 'histogram') known.add(name)
    else for (const part of ['bucket', 'sum', 'count']) known.add(`${name}_${part}`)
  }
  for (const { name, type } of await createMetrics().registry.getMetricsAsJSON()) add(name, String(type))
  for (const [name, type] of Object.entries(ofTemporal)) add(name, type)
  return known
}

const namesIn = (text: string): string[] => text.match(/\b(?:tieline|temporal)_\w+|\bup\b(?=\{)/g) ?? []

const dashboards = async (): Promise<Dashboard[]> => {
  const names = (await readdir(path.join(deploy, 'grafana'))).filter((name) => name.endsWith('.json'))
  return await Promise.all(
    names.map(
      async (name) => JSON.parse(await readFile(path.join(deploy, 'grafana', name), 'utf8')) as Dashboard,
    ),
  )
}

describe('deploy/', () => {
  it('has dashboards whose every panel asks for metrics that exist', async () => {
    const known = await series()
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
    const known = await series()
    const { groups } = parse(await readFile(path.join(deploy, 'prometheus/alerts.yml'), 'utf8')) as Rules
    const rules = groups.flatMap((group) => group.rules)
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length)
    for (const { alert, expr } of rules) {
      expect([alert, namesIn(expr).length > 0]).toEqual([alert, true])
      expect([alert, namesIn(expr).filter((name) => !known.has(name))]).toEqual([alert, []])
    }
  })
})
