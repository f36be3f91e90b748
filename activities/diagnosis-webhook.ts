/**
 * The way of a webhook, from the hub's public address through its own door: a sample as the provider would send it, with the
 * connection's own secret, marked as a trial, so that it is checked and split like any other and then not stored. And whether the
 * webhook that the provider should send to still stands.
 */
import { openHookSettings, valuesNow, type OpenHookSettings } from '../db/hook-settings.ts'
import { hookSecretsOf } from '../db/hook-secrets.ts'
import { listRecords } from '../db/records.ts'
import { passed, skipped, warned, type StepFinding } from '../model/diagnosis.ts'
import { isJsonObject, type JsonObject } from '../model/json.ts'
import { messageOf } from '../platform/errors.ts'
import { postToHub } from '../platform/reach.ts'
import { trialHeader } from '../platform/secrets/trial-mark.ts'
import type { HookSample, HookSampleSpec, Webhooks } from '../providers/contract-webhook.ts'
import { findHookSource, type HookSource } from '../providers/registry.ts'
import { failedWith, findingOf, sessionOf, type StepScene } from './diagnosis-step.ts'

const markMs = 60_000

interface Way {
  readonly source: HookSource
  readonly stored: OpenHookSettings | undefined
  readonly secrets: Readonly<Record<string, readonly string[]>>
}

export async function tryWebhook(scene: StepScene): Promise<StepFinding> {
  const { deps, connection } = scene
  const source = findHookSource(connection.provider, deps.findProvider)
  if (!source)
    return skipped('This provider sends no webhooks that the hub takes: changes are found by syncing.')
  const stored = await openHookSettings(deps.database.db, deps.vault, connection.connectionId)
  const secrets = hookSecretsOf(source.webhooks.secrets, stored, deps.env, deps.clock.now())
  const missing = source.webhooks.secrets.filter(({ name, optional }) => !optional && !secrets[name]?.length)
  if (!stored && (missing.length > 0 || source.webhooks.unguessableUrl))
    return skipped(
      'Webhooks of this connection are not set up: changes are found by syncing alone.',
      'Set them up where changes should come within seconds.',
    )
  if (missing.length > 0)
    return failedWith(
      'webhook',
      'StateConflict',
      `The webhooks of this connection lack a secret: ${missing.map(({ title }) => title).join(', ')}.`,
    )
  const way = { source, stored, secrets }
  const trip = await roundTrip(scene, way)
  return trip.state === 'failed' ? trip : await withSubscription(scene, way, trip)
}

async function roundTrip(scene: StepScene, way: Way): Promise<StepFinding> {
  const { deps, connection, signal } = scene
  const { source, stored } = way
  const url = new URL(`/hooks/${source.slug}/${connection.connectionId}`, deps.config.publicUrl)
  const facts = { url: url.href }
  const [key] = stored ? (valuesNow(stored.secrets, deps.clock.now())['urlKey'] ?? []) : []
  if (key !== undefined) url.searchParams.set('key', key)
  const spec = specOf(source.webhooks)
  if (!spec) return skipped('There is no sample of this provider to try the way with.')
  const sample = await sampleFor(scene, way, spec, url)
  const mark = await deps.trials.sign(connection.connectionId, new Date(deps.clock.now().getTime() + markMs))
  const headers = { ...sample.headers, [trialHeader]: mark }
  try {
    return judged(await postToHub(url, headers, sample.body, signal), spec, facts)
  } catch (error) {
    signal.throwIfAborted()
    const code = (error as { code?: unknown }).code
    const why = typeof code === 'string' ? code : messageOf(error).slice(0, 100)
    return failedWith(
      'webhook',
      'Unavailable',
      `The hub does not reach itself at ${deps.config.publicUrl} (${why}).`,
      facts,
    )
  }
}

/** A change of an object, where there is one: what most webhooks are. */
const specOf = ({ samples }: Webhooks): HookSampleSpec | undefined =>
  samples.find(({ effect, resource }) => effect === 'updated' && resource !== undefined) ?? samples[0]

async function sampleFor(
  { deps, connection, diagnosis }: StepScene,
  { source, secrets }: Way,
  { event, resource }: HookSampleSpec,
  url: URL,
): Promise<HookSample> {
  const { tenantSetting } = source.webhooks
  const own = tenantSetting === undefined ? undefined : connection.settings[tenantSetting]
  const { connectionId } = connection
  const [record] =
    resource === undefined ? [] : await listRecords(deps.database.db, { connectionId, resource, limit: 1 })
  return source.webhooks.sample({
    event,
    url,
    tenant: connection.externalAccount ?? own ?? '1',
    externalId: record?.externalId ?? '1',
    ...(record ? { row: record.raw } : {}),
    secrets: Object.fromEntries(Object.entries(secrets).map(([name, [first = '']]) => [name, first])),
    now: deps.clock.now(),
    id: diagnosis.diagnosisId,
  })
}

/** What the door says of a trial (`api/hooks/trial.ts`). */
interface Verdict {
  readonly failedChecks: readonly string[]
  readonly events: number
}

function verdictIn(body: string): Verdict | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    return undefined
  }
  if (!isJsonObject(parsed) || parsed['trial'] !== true || typeof parsed['events'] !== 'number')
    return undefined
  const { failedChecks } = parsed
  return {
    failedChecks: Array.isArray(failedChecks) ? failedChecks.map(String) : [],
    events: parsed['events'],
  }
}

function judged(
  answer: { readonly status: number; readonly body: string },
  { event }: HookSampleSpec,
  facts: JsonObject,
): StepFinding {
  const verdict = verdictIn(answer.body)
  if (!verdict)
    return failedWith(
      'webhook',
      'Unavailable',
      `At the hub's public address something else answers (status ${answer.status}) than the hub's door for webhooks.`,
      { ...facts, status: answer.status },
    )
  const { failedChecks, events } = verdict
  const told = { ...facts, event, failedChecks: [...failedChecks], events }
  const bad = failedChecks.filter((name) => name !== 'network')
  if (bad.length > 0)
    return failedWith(
      'webhook',
      'Unauthorized',
      `The door refuses what is signed with the connection's own secret: ${bad.join(', ')}.`,
      told,
    )
  const network = failedChecks.includes('network')
    ? ' It comes from outside the allowed networks, as only the provider may come from there.'
    : ''
  return passed(
    `A sample "${event}" came through the hub's public address, passed every check and held ${events} event${events === 1 ? '' : 's'}; as a trial it was not stored.${network}`,
    told,
  )
}

/** The webhook at the provider, where the hub keeps one there. */
async function withSubscription(
  scene: StepScene,
  { source, stored }: Way,
  trip: StepFinding,
): Promise<StepFinding> {
  const { subscriptions } = source.webhooks
  const settings = stored?.settings
  if (!subscriptions || !settings || settings.subscriptionState === 'none') return trip
  if (settings.subscriptionState === 'failed')
    return warned(
      `${trip.proves} The webhook at the provider could not be made: ${settings.subscriptionError ?? 'it is not known why'}`,
      'Give the credential the permission to make webhooks, or make the webhook by hand.',
      trip.facts,
    )
  // Without a credential that works nobody can be asked.
  if (settings.subscriptionId === null || scene.diagnosis.steps.auth?.state !== 'passed') return trip
  try {
    const standing = await subscriptions.list(await sessionOf(scene))
    const own = standing.find(({ id }) => id === settings.subscriptionId)
    if (!own)
      return failedWith(
        'webhook',
        'NotFound',
        `${trip.proves} But its webhook at the provider is gone.`,
        trip.facts,
      )
    if (!own.active)
      return warned(
        `${trip.proves} But its webhook at the provider is switched off.`,
        'Switch it on there; it is switched off when deliveries fail for long.',
        trip.facts,
      )
    return passed(`${trip.proves} Its webhook stands at the provider.`, { ...trip.facts, stands: true })
  } catch (error) {
    const { proves } = findingOf('webhook', error, scene.signal)
    return warned(
      `${trip.proves} Whether it stands at the provider is not known: ${proves}`,
      'Test again.',
      trip.facts,
    )
  }
}
