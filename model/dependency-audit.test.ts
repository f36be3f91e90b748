import {
  dependenciesPart,
  findingsOfDependencies,
  readNpmAudit,
  type NpmAuditReport,
} from './dependency-audit.ts'

const report: NpmAuditReport = {
  vulnerabilities: {
    'b-parser': { severity: 'high', range: '<2.1.0', isDirect: false, fixAvailable: true },
    'a-parser': {
      ...{ severity: 'high', range: '*', isDirect: true },
      fixAvailable: { name: 'a-parser', version: '3.0.0', isSemVerMajor: true },
    },
    shell: { severity: 'critical', range: '1.x', isDirect: false, fixAvailable: false },
    words: { severity: 'low', range: '1.x', isDirect: false, fixAvailable: false },
    trivia: { severity: 'info', range: '1.x', isDirect: false, fixAvailable: true },
  },
  metadata: { dependencies: { total: 812 } },
}
const audit = (givenAt = '2026-11-01T00:00:00.000Z') => ({
  ...{ givenBy: 'admin', givenAt },
  ...readNpmAudit(report),
})
const to = new Date('2026-11-03T12:00:00Z')

it('reads packages from the worst to the least, by name, and whether something mends them', () => {
  const { dependencies, packages } = readNpmAudit(report)
  expect(dependencies).toBe(812)
  expect(packages.map(({ name, isFixable }) => [name, isFixable])).toEqual([
    ['shell', false],
    ['a-parser', true],
    ['b-parser', true],
    ['words', false],
    ['trivia', true],
  ])
})

it('names the packages of each severity, and what to do', () => {
  expect(findingsOfDependencies(audit(), to)).toEqual([
    {
      level: 'act',
      text: '1 package has critical vulnerabilities: shell.',
      advice: 'No version without them is known: see whether what they concern is used.',
    },
    {
      level: 'act',
      text: '2 packages have high vulnerabilities: a-parser, b-parser.',
      advice: '"npm audit fix" mends 2 of them; give the result again afterwards.',
    },
    expect.objectContaining({ level: 'look', text: '1 package has low vulnerabilities: words.' }),
  ])
  expect(dependenciesPart(audit(), to)).toMatch(
    /^Given by admin on 2026-11-01, 2 days before: 812 packages looked at\.\n\n.*\n.*\n\| critical \| shell \|/,
  )
})

it('a result that is old, or was never given, is worth a look', () => {
  const old = findingsOfDependencies({ ...audit('2026-09-01T00:00:00.000Z'), packages: [] }, to)
  expect(old).toMatchObject([{ level: 'look', text: 'The dependency audit is 63 days old.' }])
  expect(findingsOfDependencies(null, to)).toMatchObject([
    { level: 'look', advice: expect.stringContaining('tieline audit dependencies') as string },
  ])
  expect(dependenciesPart(null, to)).toMatch(/^Not given\./)
})

it('nothing found is nothing to do, also when it was given after the period', () => {
  const clean = { ...audit('2026-12-01T00:00:00.000Z'), packages: [] }
  expect(findingsOfDependencies(clean, to)).toEqual([])
  expect(dependenciesPart(clean, to)).toMatch(/0 days before.*\n\nNo known vulnerabilities\.$/)
})
