/** Whether the hub is up, what it measures, how it describes itself, which keys sign its proofs. */
import { deliveryBacklog, inboxBacklog } from '../../db/backlog.ts'
import { checkSchema } from '../../db/migrate.ts'
import { listProofKeys as storedProofKeys } from '../../db/proofs.ts'
import type { components } from '../../openapi/types.ts'
import { isHubError } from '../../platform/errors.ts'
import { lookAt } from '../brands/host.ts'
import type { ApiDeps } from '../deps.ts'
import { apiVersion, description } from '../description.ts'
import { docsHeaders, docsPage } from '../docs.ts'
import { constant } from '../constants.ts'
import type { Handler } from '../operation.ts'
import { partnerDescription } from '../partner-description.ts'

type Check = components['schemas']['Check']

export const getHealth: Handler<'getHealth'> = async () => ({
  status: 200,
  body: { status: 'ok', version: apiVersion },
})

export const getReadiness: Handler<'getReadiness'> = async (deps) => {
  const [database, workers] = await Promise.all([checkDatabase(deps), checkWorkers(deps)])
  const ready = database.ok && workers.temporal.ok && workers.worker.ok
  return { status: ready ? 200 : 503, body: { ready, database, ...workers } }
}

const patienceMs = 4_000

async function checkDatabase({ database }: ApiDeps): Promise<Check> {
  try {
    await within(checkSchema(database.db))
    return { ok: true }
  } catch (error) {
    const detail = isHubError(error) ? error.message : 'The database behind DATABASE_URL does not answer.'
    return { ok: false, detail }
  }
}

async function checkWorkers({ temporal }: ApiDeps): Promise<{ temporal: Check; worker: Check }> {
  try {
    const polling = await within(temporal.isWorkerPolling())
    const worker = polling ? { ok: true } : { ok: false, detail: 'No worker asks for work. Is one running?' }
    return { temporal: { ok: true }, worker }
  } catch {
    const detail = 'Temporal does not answer at TEMPORAL_ADDRESS.'
    return { temporal: { ok: false, detail }, worker: { ok: false, detail: 'Temporal cannot be asked.' } }
  }
}

/** Whoever asks whether the hub is ready does not wait for a time-out of the network. */
async function within<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), patienceMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

export const getMetrics: Handler<'getMetrics'> = async (deps) => {
  const { metrics, log } = deps
  // What is measured in the process is told also when the database is away.
  await measureBacklog(deps).catch((err: unknown) => log.warn({ err }, 'the backlog could not be counted'))
  return {
    status: 200,
    body: await metrics.registry.metrics(),
    headers: { 'Content-Type': metrics.registry.contentType },
  }
}

async function measureBacklog({ database: { db }, metrics }: ApiDeps): Promise<void> {
  const [events, deliveries] = await within(Promise.all([inboxBacklog(db), deliveryBacklog(db)]))
  metrics.hookBacklog.reset()
  for (const { provider, state, events: count } of events) metrics.hookBacklog.set({ provider, state }, count)
  metrics.deliveryBacklog.set(deliveries)
}

const whole = constant(description)
export const getDescription: Handler<'getDescription'> = async () => ({ status: 200, body: whole })

export const getPartnerDescription: Handler<'getPartnerDescription'> = async () => ({
  status: 200,
  body: constant(partnerDescription()),
})

/** In the brand of the host, or of the partner that is named: brands are there to be seen by everybody. */
export const getDocs: Handler<'getDocs'> = async (deps, { query, client: { host } }) => {
  const look = query.partner === undefined ? await lookAt(deps, host) : await deps.brands.of(query.partner)
  return { status: 200, body: docsPage('/openapi/partner.json', look), headers: docsHeaders }
}

export const getAdminDocs: Handler<'getAdminDocs'> = async () => ({
  status: 200,
  body: docsPage('/openapi.json'),
  headers: docsHeaders,
})

export const listProofKeys: Handler<'listProofKeys'> = async ({ database }) => {
  const keys = await storedProofKeys(database.db)
  return { status: 200, body: { keys: keys as components['schemas']['ProofKey'][] } }
}
