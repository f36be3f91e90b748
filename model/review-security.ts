/** The security of a month: keys, refusals, webhooks without proof, consents that have ended, packages with known vulnerabilities. */
import { dependenciesPart, findingsOfDependencies, type DependencyAudit } from './dependency-audit.ts'
import { table, write, type Finding, type Written } from './reviews.ts'

export interface KeyFacts {
  readonly keyId: string
  readonly partnerId: string
  readonly hint: string
  readonly isOld: boolean
  readonly isUnused: boolean
  readonly isWide: boolean
  readonly isEndless: boolean
  readonly isAnywhere: boolean
}

export interface SecurityFacts {
  readonly keys: readonly KeyFacts[]
  /** Entries of the audit chain that tell of refusals, by action. */
  readonly refusals: readonly { readonly action: string; readonly n: number }[]
  /** Webhooks that were accepted without anything that proves their sender. */
  readonly unsigned: readonly { readonly provider: string; readonly n: number }[]
  readonly consents: readonly {
    readonly connectionId: string
    readonly provider: string
    readonly endsAt: string | null
  }[]
  /** Null when none was given. */
  readonly dependencies: DependencyAudit | null
}

/** So many refusals in a month are more than typing errors. */
const manyRefusals = 100

/** @param to the end of the month. */
export function writeSecurity(facts: SecurityFacts, to: Date): Written {
  const { keys, refusals, unsigned, consents, dependencies } = facts
  const of = (
    chosen: (key: KeyFacts) => boolean,
    level: Finding['level'],
    what: string,
    advice: string,
  ): Finding[] => {
    const n = keys.filter(chosen).length
    return n === 0 ? [] : [{ level, text: `${n} ${n === 1 ? 'key' : 'keys'} ${what}.`, advice }]
  }
  const findings: Finding[] = [
    ...of(({ isOld }) => isOld, 'act', 'older than 180 days', 'Rotate them.'),
    ...of(({ isUnused }) => isUnused, 'act', 'unused for 90 days', 'Revoke them.'),
    ...of(
      (key) => key.isWide && key.isAnywhere,
      'act',
      'with scopes that make keys, people or partners, usable from anywhere',
      'Narrow their scopes or bind them to networks.',
    ),
    ...of(({ isEndless }) => isEndless, 'look', 'without an end', 'Give new keys a last day.'),
    ...refusals
      .filter(({ n }) => n >= manyRefusals)
      .map(({ action, n }) => ({
        level: 'look' as const,
        text: `${n} entries of "${action}" in a month.`,
        advice: 'See in the audit chain who it was.',
      })),
    ...unsigned.map(({ provider, n }) => ({
      level: 'look' as const,
      text: `${n} webhooks of ${provider} came without a signature, a password or a token.`,
      advice: 'Set a secret where the provider has one.',
    })),
    ...(consents.length === 0
      ? []
      : [
          {
            level: 'act' as const,
            text: `${consents.length} connections have a consent that has ended or was refused.`,
            advice: 'Have their accounts connect again, or delete them.',
          },
        ]),
    ...findingsOfDependencies(dependencies, to),
  ]
  const flags = (key: KeyFacts): string =>
    [
      ...(key.isOld ? ['old'] : []),
      ...(key.isUnused ? ['unused'] : []),
      ...(key.isWide ? ['wide'] : []),
      ...(key.isEndless ? ['without end'] : []),
      ...(key.isAnywhere ? ['from anywhere'] : []),
    ].join(', ')
  return write('Security of the last month', findings, [
    [
      'Keys',
      table(
        ['key', 'partner', 'ends in', 'what'],
        keys.map((key) => [key.keyId, key.partnerId, key.hint, flags(key)]),
      ),
    ],
    [
      'Refusals',
      table(
        ['action', 'entries'],
        refusals.map(({ action, n }) => [action, n]),
      ),
    ],
    [
      'Webhooks without proof',
      table(
        ['service', 'requests'],
        unsigned.map(({ provider, n }) => [provider, n]),
      ),
    ],
    [
      'Consents',
      table(
        ['connection', 'service', 'ended'],
        consents.map((one) => [one.connectionId, one.provider, one.endsAt]),
      ),
    ],
    ['Dependencies', dependenciesPart(dependencies, to)],
  ])
}
