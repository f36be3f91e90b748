/** What `npm audit --json` says of the packages that the hub is built from: read, put in order, and what follows from it. */
import { table, type Finding } from './reviews.ts'

/** Worst first. */
export const packageSeverities = ['critical', 'high', 'moderate', 'low', 'info'] as const
export type PackageSeverity = (typeof packageSeverities)[number]

export interface VulnerablePackage {
  readonly name: string
  readonly severity: PackageSeverity
  /** Versions that are concerned. */
  readonly range: string
  /** The hub asks for it itself, and not something that it uses. */
  readonly isDirect: boolean
  /** Whether `npm audit fix` knows a version without them. */
  readonly isFixable: boolean
}

export interface DependencyAudit {
  readonly givenBy: string
  /** RFC 3339. */
  readonly givenAt: string
  readonly dependencies: number
  readonly packages: readonly VulnerablePackage[]
}

/** Version 2 of the report, which npm writes since its version 7; the parts that are read. */
export interface NpmAuditReport {
  readonly vulnerabilities: Readonly<
    Record<
      string,
      {
        readonly severity: PackageSeverity
        readonly range: string
        readonly isDirect: boolean
        readonly fixAvailable: unknown
      }
    >
  >
  readonly metadata: { readonly dependencies: { readonly total: number } }
}

export function readNpmAudit({
  vulnerabilities,
  metadata,
}: NpmAuditReport): Pick<DependencyAudit, 'dependencies' | 'packages'> {
  const packages = Object.entries(vulnerabilities).map(([name, one]) => ({
    ...{ name, severity: one.severity, range: one.range, isDirect: one.isDirect },
    // `true`, or which version of what mends it.
    isFixable: one.fixAvailable !== false,
  }))
  const rank = ({ severity }: VulnerablePackage): number => packageSeverities.indexOf(severity)
  packages.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1))
  return { dependencies: metadata.dependencies.total, packages }
}

const dayMs = 86_400_000
/** The review is of a month: what is older says nothing about it. */
const oldDays = 35
const give = 'Run "npm audit --json | tieline audit dependencies --file -" where the hub is built.'

/** 0 for what was given after the period. */
const ageDays = ({ givenAt }: DependencyAudit, to: Date): number =>
  Math.max(0, Math.floor((to.getTime() - Date.parse(givenAt)) / dayMs))

const levels: Readonly<Record<PackageSeverity, Finding['level'] | null>> = {
  ...{ critical: 'act', high: 'act', moderate: 'look', low: 'look', info: null },
}

const named = (names: readonly string[], most = 10): string =>
  names.slice(0, most).join(', ') + (names.length > most ? ` and ${names.length - most} more` : '')

/** @param to the end of the period. */
export function findingsOfDependencies(audit: DependencyAudit | null, to: Date): Finding[] {
  if (!audit) return [{ level: 'look', text: 'No result of a dependency audit was given.', advice: give }]
  const bySeverity = packageSeverities.flatMap((severity): Finding[] => {
    const found = audit.packages.filter((one) => one.severity === severity)
    const level = levels[severity]
    if (found.length === 0 || level === null) return []
    const fixable = found.filter(({ isFixable }) => isFixable).length
    return [
      {
        level,
        text: `${found.length} ${found.length === 1 ? 'package has' : 'packages have'} ${severity} vulnerabilities: ${named(found.map(({ name }) => name))}.`,
        advice:
          fixable === 0
            ? 'No version without them is known: see whether what they concern is used.'
            : `"npm audit fix" mends ${fixable} of them; give the result again afterwards.`,
      },
    ]
  })
  const days = ageDays(audit, to)
  return days <= oldDays
    ? bySeverity
    : [...bySeverity, { level: 'look', text: `The dependency audit is ${days} days old.`, advice: give }]
}

/** Markdown. */
export function dependenciesPart(audit: DependencyAudit | null, to: Date): string {
  if (!audit) return `Not given. ${give}`
  const days = ageDays(audit, to)
  const said = `Given by ${audit.givenBy} on ${audit.givenAt.slice(0, 10)}, ${days} ${days === 1 ? 'day' : 'days'} before: ${audit.dependencies} packages looked at.`
  const rows = audit.packages.map((one) => [
    ...[one.severity, one.name, one.range],
    one.isDirect ? 'yes' : 'no',
    one.isFixable ? 'yes' : 'no',
  ])
  const list = table(['severity', 'package', 'versions', 'direct', 'can be mended'], rows)
  return `${said}\n\n${list === '' ? 'No known vulnerabilities.' : list}`
}
