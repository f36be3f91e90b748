/** `tieline connections test`: every step with its time, what it shows and what to do, as they come in. */
import { setTimeout as delay } from 'node:timers/promises'
import { CliError, type ExitCode } from '../cli-error.ts'
import { need, openApi, type Api, type GlobalOptions, type Schemas } from '../client.ts'
import type { Out, Paint } from '../print.ts'

type Diagnosis = Schemas['Diagnosis']
type Step = Schemas['DiagnosisStep']

export interface TestOptions extends GlobalOptions {
  /** Also makes one object at the provider and deletes it again. */
  readonly write?: boolean
}

/** A step gives up by itself; this is for a hub whose workers are away. */
const patienceMs = 15 * 60_000

/** Exit code: 0 all is well, 3 somebody should look at something, 1 a step failed. */
export async function testConnection(
  connectionId: string,
  options: TestOptions,
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  const started = await need(
    api.POST('/admin/v1/connections/{connectionId}/diagnosis', {
      params: { path: { connectionId } },
      body: { write: options.write === true },
    }),
  )
  const shown = new Set<string>()
  const show = ({ steps }: Diagnosis): void => {
    if (options.json) return
    for (const step of steps.filter(({ name }) => !shown.has(name))) {
      shown.add(step.name)
      printStep(step, out)
    }
  }
  const ended = await followed(api, started, show)
  if (options.json) out.json(ended)
  else printEnd(ended, out)
  return exitCodeOf(ended)
}

async function followed(api: Api, started: Diagnosis, show: (now: Diagnosis) => void): Promise<Diagnosis> {
  const { connectionId, diagnosisId } = started
  const until = Date.now() + patienceMs
  for (let last = started; ; await delay(300)) {
    const answer = await api.GET('/admin/v1/connections/{connectionId}/diagnosis', {
      params: { path: { connectionId } },
    })
    // Its row is made by the workflow, in a moment.
    if (answer.response.status !== 404) last = await need(Promise.resolve(answer))
    if (last.diagnosisId !== diagnosisId) {
      // A newer test has been started meanwhile, or ours is not there yet.
      if (last.diagnosisId > diagnosisId) throw new CliError('Somebody has started another test meanwhile.')
      last = started
    }
    show(last)
    if (last.state !== 'running') return last
    if (Date.now() > until)
      throw new CliError(`The test does not end: is a worker running? ${last.temporalUrl ?? ''}`)
  }
}

const marks: Readonly<Record<Step['state'], (paint: Paint) => string>> = {
  passed: (paint) => paint.green('passed '),
  warned: (paint) => paint.yellow('warned '),
  failed: (paint) => paint.red('failed '),
  skipped: (paint) => paint.dim('skipped'),
}

const widestTitle = 20

export function printStep({ title, state, durationMs, proves, advice }: Step, out: Out): void {
  const time = state === 'skipped' ? '' : `${durationMs} ms`
  const { paint } = out
  out.line(`${marks[state](paint)}  ${title.padEnd(widestTitle)}  ${time.padStart(8)}  ${proves}`)
  if (advice !== null) out.line(`${' '.repeat(widestTitle + 21)}${paint.bold('→')} ${advice}`)
}

const ends: Readonly<Record<Exclude<Diagnosis['state'], 'running'>, (paint: Paint) => string>> = {
  passed: (paint) => paint.green('The connection works.'),
  warned: (paint) => paint.yellow('The connection works; somebody should look at what is marked.'),
  failed: (paint) => paint.red('The connection does not work.'),
  cancelled: () => 'The test was cancelled.',
}

function printEnd({ state, leftObject }: Diagnosis, out: Out): void {
  out.line()
  if (state !== 'running') out.line(ends[state](out.paint))
  if (leftObject)
    out.line(`Left at the provider: ${leftObject.resource} ${leftObject.externalId ?? '(of unknown id)'}`)
}

function exitCodeOf({ state }: Diagnosis): ExitCode {
  if (state === 'passed') return 0
  return state === 'warned' ? 3 : 1
}
