/** The test of a connection step by step: which steps there are, what each may come to, and what all of it amounts to. */
import type { FailureNote } from './failures.ts'
import type { JsonObject } from './json.ts'

/** In the order in which people are shown them. */
export const diagnosisSteps = ['dns', 'tls', 'auth', 'scopes', 'read', 'write', 'webhook'] as const
export type DiagnosisStepName = (typeof diagnosisSteps)[number]

/** `warned`: it works, and somebody should look. `skipped`: not tried, and that is no fault. */
export type StepState = 'passed' | 'warned' | 'failed' | 'skipped'
export type DiagnosisVerdict = 'passed' | 'warned' | 'failed'
export type DiagnosisState = 'running' | DiagnosisVerdict | 'cancelled'

/** What a step found. Texts are public: no secret, no address of a person. */
export interface StepFinding {
  readonly state: StepState
  /** What is known now, in a sentence or two; of a step that failed or was skipped: why. */
  readonly proves: string
  /** What to do; null where there is nothing to do. */
  readonly advice: string | null
  readonly failure: FailureNote | null
  /** Small facts for programs: counts, names of resources, ids. */
  readonly facts: JsonObject
}

export interface DiagnosisStep extends StepFinding {
  readonly name: DiagnosisStepName
  /** How long the step took, waits for limits included; 0 for one that was not tried. */
  readonly durationMs: number
}

export const stepTitles: Readonly<Record<DiagnosisStepName, string>> = {
  dns: 'Name of the host',
  tls: 'Encrypted connection',
  auth: 'Credential',
  scopes: 'Permissions',
  read: 'Read one',
  write: 'Write and delete one',
  webhook: 'Webhook round trip',
}

export const passed = (proves: string, facts: JsonObject = {}): StepFinding => ({
  state: 'passed',
  proves,
  advice: null,
  failure: null,
  facts,
})

export const skipped = (why: string, advice: string | null = null, facts: JsonObject = {}): StepFinding => ({
  state: 'skipped',
  proves: why,
  advice,
  failure: null,
  facts,
})

export const warned = (proves: string, advice: string, facts: JsonObject = {}): StepFinding => ({
  state: 'warned',
  proves,
  advice,
  failure: null,
  facts,
})

export const failed = (failure: FailureNote, advice: string, facts: JsonObject = {}): StepFinding => ({
  state: 'failed',
  proves: failure.message,
  advice,
  failure,
  facts,
})

/** Failed when a step failed, warned when one warned; what was skipped counts for nothing. */
export function verdictOf(steps: readonly Pick<StepFinding, 'state'>[]): DiagnosisVerdict {
  if (steps.some(({ state }) => state === 'failed')) return 'failed'
  return steps.some(({ state }) => state === 'warned') ? 'warned' : 'passed'
}

const marks: Readonly<Record<StepState, string>> = {
  passed: '✅ passed',
  warned: '⚠️ warned',
  failed: '❌ failed',
  skipped: '➖ skipped',
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replace(/\s+/g, ' ')

/** For the Temporal UI. */
export function tableOfSteps(steps: readonly DiagnosisStep[]): string {
  const rows = steps.map(({ name, state, durationMs, proves, advice }) => {
    const told = advice === null ? proves : `${proves} **${advice}**`
    return `| ${stepTitles[name]} | ${marks[state]} | ${state === 'skipped' ? '' : `${durationMs} ms`} | ${cell(told)} |`
  })
  return ['| Step | State | Time | What it shows |', '| --- | --- | ---: | --- |', ...rows].join('\n')
}
