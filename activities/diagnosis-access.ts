/** What the credential is good for: it is taken, it has what was asked for, and one page of each resource can be read with it. */
import { openCredential } from '../db/credentials.ts'
import { featuresWithout } from '../db/diagnoses.ts'
import { adviceFor } from '../model/diagnosis-advice.ts'
import { failed, passed, skipped, warned, type StepFinding } from '../model/diagnosis.ts'
import { failures, type FailureCode } from '../model/failures.ts'
import { missingScopes } from '../providers/contract-oauth.ts'
import { authMethod, type Call, type ProviderContext, type Resource } from '../providers/contract.ts'
import { noteCheck, type CheckOutcome } from './check.ts'
import { findingOf, sessionOf, type StepScene } from './diagnosis-step.ts'
import { asHubError } from './failure.ts'

/** The provider's own check; what it says counts for the state of the connection as any check does. */
export async function tryCredential(scene: StepScene): Promise<StepFinding> {
  const { deps, provider, connection, signal } = scene
  const note = (outcome: CheckOutcome) => noteCheck(deps, { connectionId: connection.connectionId, outcome })
  try {
    const { proves, facts } = await provider.health.check(await sessionOf(scene))
    await note({ ok: true, proves, facts })
    return passed(`${proves[0]?.toUpperCase() ?? ''}${proves.slice(1)}.`.replace(/\.\.$/, '.'), facts)
  } catch (error) {
    const finding = findingOf('auth', error, signal)
    if (finding.failure) await note({ ok: false, failure: finding.failure })
    return finding
  }
}

interface Reading {
  readonly resource: string
  readonly rows: number
  readonly failure: { readonly code: FailureCode; readonly message: string } | null
}

/** Resources are asked one after the other until this much has passed; a test is no sync. */
const patienceMs = 40_000

export async function readOneEach(scene: StepScene): Promise<StepFinding> {
  const { provider, deps } = scene
  if (provider.resources.length === 0) return skipped(`The hub reads nothing at ${provider.name}.`)
  const context = await sessionOf(scene)
  const until = deps.clock.now().getTime() + patienceMs
  const readings: Reading[] = []
  for (const resource of provider.resources) {
    if (deps.clock.now().getTime() > until) break
    readings.push(await readOne(scene, context, resource))
  }
  return summedUp(readings, provider.resources.length)
}

/** A page that wants a second call is proven readable by the first. */
class Enough extends Error {
  override readonly name = 'Enough'
}

async function readOne(
  { deps, signal }: StepScene,
  context: ProviderContext,
  resource: Resource,
): Promise<Reading> {
  const { name } = resource
  let calls = 0
  const call: Call = (request) => {
    if (++calls > 1) throw new Enough()
    return context.call(request)
  }
  try {
    const page = await resource.readPage({ ...context, call }, resource.start(context))
    return { resource: name, rows: page.rows.length, failure: null }
  } catch (error) {
    if (error instanceof Enough) return { resource: name, rows: 0, failure: null }
    const known = asHubError(error)
    // Of one resource's own making: the others are tried all the same.
    if (known.code === 'Internal' && !signal.aborted)
      deps.log.error({ err: error, resource: name }, 'a resource could not be read in a way nobody foresaw')
    else findingOf('read', error, signal)
    return { resource: name, rows: 0, failure: { code: known.code, message: known.message } }
  }
}

function summedUp(readings: readonly Reading[], of: number): StepFinding {
  const good = readings.filter(({ failure }) => !failure)
  const bad = readings.filter(({ failure }) => failure)
  const facts = {
    read: Object.fromEntries(good.map(({ resource, rows }) => [resource, rows])),
    failed: Object.fromEntries(bad.map(({ resource, failure }) => [resource, failure?.code ?? ''])),
    notTried: of - readings.length,
  }
  const left = of > readings.length ? ` ${of - readings.length} were not tried for lack of time.` : ''
  const proven = `Read a first page of ${good.length} of ${of} resources${good.length === 0 ? '' : ` (${good.map(({ resource, rows }) => `${resource}: ${rows}`).join(', ')})`}.${left}`
  const [first] = bad
  if (!first?.failure) return passed(proven, facts)
  const told = bad.map(({ resource, failure }) => `${resource}: ${failure?.message ?? ''}`).join(' ')
  // What is only refused for want of a permission, or has to wait, stops nothing else.
  const isHarmless = bad.every(
    ({ failure }) => failure && (failure.code === 'Forbidden' || failures[failure.code].retry === 'later'),
  )
  const advice = adviceFor('read', first.failure.code)
  if (isHarmless && good.length > 0) return warned(`${proven} Not read: ${told}`, advice, facts)
  return failed({ code: first.failure.code, message: told }, advice, facts)
}

/** Scopes that the consent did not bring, and resources that the provider has just refused to show (step "read", which runs before). */
export async function lookAtScopes(scene: StepScene): Promise<StepFinding> {
  const { deps, connection, provider, diagnosis } = scene
  const { db } = deps.database
  const method = authMethod(provider, connection.auth)
  const credential = await openCredential(db, deps.vault, connection.connectionId)
  const granted = grantedIn(credential?.secrets['scope'])
  const missing =
    method?.kind === 'oauth2' ? missingScopes(method, null, granted) : { required: [], optional: [] }
  const without = await featuresWithout(db, connection.connectionId)
  const failedReads = diagnosis.steps.read?.facts['failed']
  const refused = Object.entries(typeof failedReads === 'object' && failedReads !== null ? failedReads : {})
    .filter(([, code]) => code === 'Forbidden')
    .map(([resource]) => resource)
  const named = [...missing.required, ...missing.optional]
  const facts = {
    granted: [...(granted ?? [])],
    missing: named.map(({ scope }) => scope),
    refused,
    without: [...without],
  }
  const lacks = [
    ...named.map(({ feature, scope }) => `${feature} (scope "${scope}" was not granted)`),
    ...without
      .filter((feature) => !named.some((one) => one.feature === feature))
      .map((feature) => `${feature} (not approved when it was connected)`),
    ...refused.map((resource) => `${resource} (the provider refuses to show them)`),
  ]
  if (lacks.length === 0) {
    const told = granted ? `All ${granted.length} scopes that are needed were granted. ` : ''
    return passed(`${told}Nothing was refused for want of a permission.`, facts)
  }
  const text = `The credential lacks: ${lacks.join('; ')}.`
  // Somebody left an optional access switched off: that is a wish, not a fault.
  const isWished = missing.required.length === 0 && refused.length === 0
  if (isWished) return warned(text, 'Nothing to do where this is not wanted; otherwise connect again.', facts)
  return failed({ code: 'Forbidden', message: text }, adviceFor('scopes', 'Forbidden'), facts)
}

/** Undefined where the provider does not tell. */
function grantedIn(scope: string | undefined): readonly string[] | undefined {
  const granted = (scope ?? '').split(/[\s,]+/).filter((one) => one !== '')
  return granted.length === 0 ? undefined : granted
}
