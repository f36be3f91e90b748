/** Temporal: reachable, with our search attributes, a worker, our schedules; and what is sent there cannot be read. */
import type { ServiceConfig } from '../../platform/config.ts'
import { messageOf } from '../../platform/errors.ts'
import { parseKeyRing } from '../../platform/secrets/keyring.ts'
import { connectTemporal, type TemporalConnection } from '../../platform/temporal/connection.ts'
import { missingSearchAttributes } from '../../platform/temporal/search-attributes.ts'
import { hubScheduleSettings } from '../../workers/hub-schedules.ts'
import { createHubClient, type HubClient, type HubScheduleSettings } from '../../workflows/client.ts'
import { searchAttributeNames } from '../../workflows/client-upkeep.ts'
import { bad, ok, type DoctorFinding } from './finding.ts'

export async function lookAtTemporal(config: ServiceConfig): Promise<DoctorFinding[]> {
  let temporal: TemporalConnection
  try {
    const ring = parseKeyRing(config.encryptionKeys)
    temporal = await connectTemporal({ temporal: config.temporal, ring, waitMs: 2_000 })
  } catch (error) {
    return [bad('temporal', messageOf(error), 'Start Temporal, or correct TEMPORAL_ADDRESS.')]
  }
  try {
    const { client, namespace } = temporal
    const hub = createHubClient({
      ...{ client, namespace, taskQueue: config.taskQueue, uiUrl: config.temporalUiUrl },
    })
    const found = await namespaceFinding(temporal)
    if (found.state !== 'ok') return [found]
    return [
      found,
      await attributesFinding(temporal),
      await workerFinding(hub, config.taskQueue),
      await codecFinding(temporal),
      await schedulesFinding(hub, hubScheduleSettings(config)),
    ]
  } finally {
    await temporal.close()
  }
}

async function namespaceFinding({ connection, namespace }: TemporalConnection): Promise<DoctorFinding> {
  try {
    const { config } = await connection.workflowService.describeNamespace({ namespace })
    const seconds = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0)
    return ok(
      'temporal',
      `Namespace "${namespace}"; closed runs are kept ${Math.round(seconds / 86_400)} days.`,
    )
  } catch (error) {
    const advice = 'Make the namespace, or correct TEMPORAL_NAMESPACE.'
    return bad('temporal', `Namespace "${namespace}": ${messageOf(error)}`, advice)
  }
}

async function attributesFinding({ connection, namespace }: TemporalConnection): Promise<DoctorFinding> {
  const advice = 'A worker adds them at its start; on Temporal Cloud add them by hand, as keywords.'
  try {
    const missing = await missingSearchAttributes(connection, namespace, searchAttributeNames)
    return missing.length === 0
      ? ok('search attributes', 'All are there.')
      : bad('search attributes', `Missing: ${missing.join(', ')}.`, advice)
  } catch (error) {
    return bad('search attributes', messageOf(error), advice)
  }
}

async function workerFinding(hub: HubClient, taskQueue: string): Promise<DoctorFinding> {
  const isPolling = await hub.isWorkerPolling().catch(() => false)
  return isPolling
    ? ok('worker', `One asks for work of "${taskQueue}".`)
    : bad('worker', `None asks for work of "${taskQueue}".`, 'Start one: "tieline serve worker".')
}

/** INV-6: what goes to Temporal comes back, and is not readable on the way. */
async function codecFinding({ codec }: TemporalConnection): Promise<DoctorFinding> {
  const secret = 'a text of the doctor'
  const bytes = new TextEncoder().encode(JSON.stringify(secret))
  const metadata = { encoding: new TextEncoder().encode('json/plain') }
  const sealed = await codec.encode([{ metadata, data: bytes }])
  const [clear] = await codec.decode(sealed)
  const isHidden = !Buffer.from(sealed[0]?.data ?? []).includes(secret)
  const isBack = Buffer.from(clear?.data ?? []).equals(Buffer.from(bytes))
  return isHidden && isBack
    ? ok('codec', 'Payloads are encrypted and come back.')
    : bad('codec', 'Payloads are not what they should be.', 'The key ring is damaged; see "key ring".')
}

async function schedulesFinding(hub: HubClient, settings: HubScheduleSettings): Promise<DoctorFinding> {
  const { expected, missing, paused } = await hub.lookAtSchedules(settings)
  if (missing.length > 0)
    return bad(
      'schedules',
      `Missing: ${missing.join(', ')}.`,
      'A worker makes them at its start: start one anew.',
    )
  return paused.length > 0
    ? bad('schedules', `Paused: ${paused.join(', ')}.`, 'Unpause them in the Temporal UI.')
    : ok('schedules', `All ${expected.length} of the hub itself are there.`)
}
