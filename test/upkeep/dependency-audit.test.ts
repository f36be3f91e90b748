/** The result of `npm audit`: given from the terminal, kept, shown by the review of security. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { components } from '../../openapi/types.ts'
import { startTestApi, until, type TestApi } from '../harness/api.ts'
import { commandLine, type CommandLine } from '../harness/command-line.ts'

type Schemas = components['schemas']

let api: TestApi
let tieline: CommandLine
let folder: string
beforeAll(async () => {
  api = await startTestApi()
  tieline = commandLine(api.url)
  folder = mkdtempSync(path.join(tmpdir(), 'tieline-audit-'))
}, 120_000)
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await api?.close()
})

/** As npm 10 prints it. */
const report = {
  auditReportVersion: 2,
  vulnerabilities: {
    'old-parser': {
      ...{
        name: 'old-parser',
        severity: 'high',
        isDirect: false,
        via: ['deep'],
        effects: [],
        range: '<2.1.0',
      },
      ...{ nodes: ['node_modules/old-parser'], fixAvailable: true },
    },
  },
  metadata: {
    vulnerabilities: { info: 0, low: 0, moderate: 0, high: 1, critical: 0, total: 1 },
    dependencies: { prod: 300, dev: 512, optional: 10, peer: 0, peerOptional: 0, total: 812 },
  },
}

const review = async (): Promise<Schemas['Review']> => {
  const list = async () =>
    (await api.request('GET', '/admin/v1/reviews?kind=security')).body as { items: Schemas['ReviewBrief'][] }
  const before = (await list()).items.length
  await api.request('POST', '/admin/v1/reviews', { body: { kind: 'security' } })
  const { items } = await until(list, (now) => now.items.length > before)
  return (await api.request('GET', `/admin/v1/reviews/${items[0]?.reviewId}`)).body as Schemas['Review']
}

it('is asked for while there is none, and shown by severity with its age once it was given', async () => {
  expect(await tieline('audit', 'dependencies')).toMatchObject({
    ...{ code: 2, err: expect.stringContaining('No result of a dependency audit') as string },
  })
  expect((await review()).markdown).toMatch(/## Dependencies\n\nNot given\. Run "npm audit --json/)
  const file = path.join(folder, 'audit.json')
  writeFileSync(file, JSON.stringify(report))
  const given = await tieline('audit', 'dependencies', '--file', file)
  expect([given.code, given.err]).toEqual([0, ''])
  expect(given.out).toMatch(/Given just now by admin: 812 packages[^]*high +old-parser +<2\.1\.0 +no +yes/)
  const { verdict, markdown, result } = await review()
  expect(verdict).toBe('act')
  expect(markdown).toContain('1 package has high vulnerabilities: old-parser.')
  expect(markdown).toMatch(/Given by admin on \d{4}-\d\d-\d\d, 0 days before: 812 packages/)
  expect(result).toMatchObject({ dependencies: { givenBy: 'admin', packages: [{ name: 'old-parser' }] } })
  const { body } = await api.request('GET', '/admin/v1/audit?action=dependency_audit.given')
  expect(body).toMatchObject({ items: [{ actor: 'admin', details: { counts: { high: 1, critical: 0 } } }] })
}, 60_000)

it('the newest takes the place of the one before, from standard input as well', async () => {
  const clean = { ...report, vulnerabilities: {} }
  const { code, out } = await tieline.given(JSON.stringify(clean), 'audit', 'dependencies', '--file', '-')
  expect([code, out]).toEqual([0, expect.stringContaining('No known vulnerabilities.')])
  expect((await tieline('audit', 'dependencies')).out).toContain('No known vulnerabilities.')
}, 60_000)

describe('INV-12: what is no report is refused, and changes nothing', () => {
  const bad = { ...report.vulnerabilities['old-parser'], severity: 'terrible' }
  it.each([
    [
      'what npm prints when it fails',
      JSON.stringify({ message: 'no lockfile', error: { code: 'ENOLOCK' } }),
      /auditReportVersion/,
    ],
    ['a report of npm 6', JSON.stringify({ ...report, auditReportVersion: 1 }), /\/auditReportVersion/],
    [
      'a severity that there is not',
      JSON.stringify({ ...report, vulnerabilities: { x: bad } }),
      /\/vulnerabilities\/x\/severity/,
    ],
    ['a list', '[]', /not a JSON object/],
    ['a table for people', 'found 0 vulnerabilities', /not a JSON object/],
  ])('%s', async (_name, input, message) => {
    const before = await tieline.json('audit', 'dependencies')
    const { code, out, err } = await tieline.given(input, 'audit', 'dependencies', '--file', '-')
    expect([code, out, err]).toEqual([2, '', expect.stringMatching(message)])
    expect(await tieline.json('audit', 'dependencies')).toEqual(before)
  })
})
