/** The last result of `npm audit`, given by whoever releases the hub. */
import { appendAudit } from '../../db/audit.ts'
import { inTransaction } from '../../db/client.ts'
import { getDependencyAudit as findAudit, putDependencyAudit as putAudit } from '../../db/dependency-audit.ts'
import { packageSeverities, readNpmAudit, type DependencyAudit } from '../../model/dependency-audit.ts'
import type { components } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import type { Handler } from '../operation.ts'

const countsOf = ({ packages }: Pick<DependencyAudit, 'packages'>): Record<string, number> =>
  Object.fromEntries(
    packageSeverities.map((severity) => [
      severity,
      packages.filter((one) => one.severity === severity).length,
    ]),
  )

const shown = (one: DependencyAudit): components['schemas']['DependencyAudit'] => ({
  ...one,
  packages: one.packages.map((each) => ({ ...each })),
  counts: countsOf(one),
})

export const getDependencyAudit: Handler<'getDependencyAudit'> = async ({ database }) => {
  const audit = await findAudit(database.db)
  if (!audit) throw new HubError('NoSuchThing', 'No result of a dependency audit was given yet.')
  return { status: 200, body: shown(audit) }
}

export const putDependencyAudit: Handler<'putDependencyAudit'> = async ({ database }, { body, caller }) => {
  const given = { ...readNpmAudit(body), givenBy: caller.name, givenAt: new Date().toISOString() }
  await inTransaction(database.db, async (tx) => {
    await putAudit(tx, given)
    await appendAudit(tx, {
      ...{ actor: caller.name, action: 'dependency_audit.given', subject: 'hub' },
      details: { dependencies: given.dependencies, counts: countsOf(given) },
    })
  })
  return { status: 200, body: shown(given) }
}
