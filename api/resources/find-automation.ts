/** Loads the automation that a path names, and notes in the audit chain what is done with it. */
import { appendAudit } from '../../db/audit.ts'
import { getAutomation as findAutomation, type Automation } from '../../db/automations.ts'
import type { Db } from '../../db/client.ts'
import { HubError } from '../../platform/errors.ts'
import type { ApiDeps } from '../deps.ts'

/** Notes that something was done with an automation. */
export async function auditAutomation(
  tx: Db,
  actor: string,
  action: string,
  { automationId, partnerId, version }: Automation,
): Promise<void> {
  await appendAudit(tx, { actor, action, subject: automationId, partnerId, details: { version } })
}

/** One that is not deleted. @throws HubError `NoSuchThing`. */
export async function automationOf(deps: ApiDeps, automationId: string): Promise<Automation> {
  const automation = await findAutomation(deps.database.db, automationId)
  if (automation && automation.state !== 'deleted') return automation
  throw new HubError('NoSuchThing', `There is no automation "${automationId}".`)
}
