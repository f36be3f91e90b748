/** `tieline automations`: rules that react, their runs, approvals. */
import { setTimeout as delay } from 'node:timers/promises'
import type { ExitCode } from '../cli-error.ts'
import { collect, need, openApi, type Api, type GlobalOptions, type Schemas } from '../client.ts'
import { jsonObject, jsonOrText, namedValues } from '../input.ts'
import { ago, table, type Out } from '../print.ts'

type Run = Schemas['AutomationRun']

export async function listTemplates(options: GlobalOptions, out: Out): Promise<ExitCode> {
  const { items } = await need(openApi(options).GET('/admin/v1/automation-templates'))
  if (options.json) out.json(items)
  else
    for (const one of items) {
      out.line(`${out.paint.bold(one.name)}  ${one.title}`)
      out.line(`  ${one.description}`)
      out.line(
        `  connections: ${Object.entries(one.connections)
          .map(([role, service]) => `${role}=<${service}>`)
          .join(' ')}`,
      )
      for (const [name, parameter] of Object.entries(one.parameters))
        out.line(`  parameter ${name}: ${parameter.title} (${JSON.stringify(parameter.default)})`)
    }
  return 0
}

export async function listAutomations(options: GlobalOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const items = await collect(1_000, (cursor, limit) =>
    need(
      api.GET('/admin/v1/automations', {
        params: { query: { limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  if (options.json) out.json(items)
  else
    for (const line of table(
      ['automation', 'name', 'trigger', 'state'],
      items.map((one) => [one.automationId, one.name, one.definition.trigger.kind, one.state]),
      out.paint,
    ))
      out.line(line)
  return 0
}

export interface CreateOptions extends GlobalOptions {
  readonly name?: string
  readonly connect?: readonly string[]
  readonly set?: readonly string[]
  readonly definition?: string
}

export async function createAutomation(
  template: string | undefined,
  options: CreateOptions,
  out: Out,
): Promise<ExitCode> {
  const parameters = Object.fromEntries(
    Object.entries(namedValues('--set', options.set)).map(([name, text]) => [name, jsonOrText(text)]),
  )
  const named = options.name === undefined ? {} : { name: options.name }
  const body =
    template === undefined
      ? {
          ...named,
          definition: jsonObject(
            options.definition ?? '',
            '--definition',
          ) as unknown as Schemas['AutomationDefinition'],
        }
      : { ...named, template, connections: namedValues('--connect', options.connect), parameters }
  const made = await need(openApi(options).POST('/admin/v1/automations', { params: { header: {} }, body }))
  if (options.json) out.json(made)
  else {
    out.line(`${made.automationId}: "${made.name}" is ${made.state}.`)
    if (made.webhook)
      out.line(
        `Its webhook: POST ${made.webhook.url} with the header Tieline-Secret: ${made.webhook.secret ?? ''}`,
      )
    out.line(`Run it now: tieline automations run ${made.automationId}`)
  }
  return 0
}

export async function switchAutomation(
  automationId: string,
  state: 'enabled' | 'disabled',
  options: GlobalOptions,
  out: Out,
): Promise<ExitCode> {
  const one = await need(
    openApi(options).PATCH('/admin/v1/automations/{automationId}', {
      params: { path: { automationId } },
      body: { state },
    }),
  )
  if (options.json) out.json(one)
  else out.line(`"${one.name}" is ${one.state}.`)
  return 0
}

export async function deleteAutomation(
  automationId: string,
  options: GlobalOptions,
  out: Out,
): Promise<ExitCode> {
  await need(
    openApi(options).DELETE('/admin/v1/automations/{automationId}', { params: { path: { automationId } } }),
  )
  if (options.json) out.json({ deleted: automationId })
  else out.line(`${automationId} is deleted.`)
  return 0
}

export async function runAutomation(
  automationId: string,
  options: GlobalOptions & { readonly payload: string; readonly wait: string },
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  const body = jsonObject(options.payload, '--payload')
  const begun = await need(
    api.POST('/admin/v1/automations/{automationId}/runs', { params: { path: { automationId } }, body }),
  )
  return await follow(api, begun, Number(options.wait), options, out)
}

/** Until it ends or waits for a person. */
async function follow(
  api: Api,
  begun: Run,
  seconds: number,
  options: GlobalOptions,
  out: Out,
): Promise<ExitCode> {
  const { automationRunId } = begun
  const until = Date.now() + seconds * 1000
  let run = begun
  while ((run.state === 'pending' || run.state === 'running') && Date.now() < until) {
    await delay(300)
    run = await need(
      api.GET('/admin/v1/automation-runs/{automationRunId}', { params: { path: { automationRunId } } }),
    )
  }
  showRun(run, options, out)
  return run.state === 'failed' || run.state === 'compensation_failed' ? 1 : 0
}

function showRun(run: Run, options: GlobalOptions, out: Out): void {
  if (options.json) return out.json(run)
  const paint =
    run.state === 'succeeded' ? out.paint.green : run.endedAt === null ? out.paint.yellow : out.paint.red
  out.line(`${paint(run.state)}  ${run.automationRunId}`)
  const rows = run.steps.map((step) => [step.name, step.kind, step.state, step.work ?? ''])
  if (rows.length > 0)
    for (const line of table(['step', 'kind', 'state', 'work'], rows, out.paint)) out.line(`  ${line}`)
  if (run.failure) out.line(`  ${run.failure.code}: ${run.failure.message}`)
  if (run.waiting) {
    const question = run.waiting['question']
    out.line(`  Waits for an answer: ${typeof question === 'string' ? question : JSON.stringify(question)}`)
    out.line(`  tieline automations approve ${run.automationRunId}   or   reject ${run.automationRunId}`)
  }
  out.line(out.paint.dim(`  ${run.temporalUrl}`))
}

export async function listRuns(
  options: GlobalOptions & { readonly automation?: string; readonly limit: string },
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  const filter = options.automation === undefined ? {} : { automationId: options.automation }
  const items = await collect(Number(options.limit), (cursor, limit) =>
    need(
      api.GET('/admin/v1/automation-runs', {
        params: { query: { ...filter, limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  if (options.json) out.json(items)
  else
    for (const line of table(
      ['run', 'automation', 'started by', 'state', 'started'],
      items.map((one) => [
        one.automationRunId,
        one.automationId,
        one.triggerKind,
        one.state,
        ago(one.startedAt),
      ]),
      out.paint,
    ))
      out.line(line)
  return 0
}

export async function showAutomationRun(
  automationRunId: string,
  options: GlobalOptions,
  out: Out,
): Promise<ExitCode> {
  showRun(
    await need(
      openApi(options).GET('/admin/v1/automation-runs/{automationRunId}', {
        params: { path: { automationRunId } },
      }),
    ),
    options,
    out,
  )
  return 0
}

export async function decideRun(
  automationRunId: string,
  decision: 'approve' | 'reject',
  options: GlobalOptions & { readonly note?: string },
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  const body = { decision, ...(options.note === undefined ? {} : { note: options.note }) }
  await need(
    api.POST('/admin/v1/automation-runs/{automationRunId}/approval', {
      params: { path: { automationRunId } },
      body,
    }),
  )
  await delay(500)
  const run = await need(
    api.GET('/admin/v1/automation-runs/{automationRunId}', { params: { path: { automationRunId } } }),
  )
  return await follow(
    api,
    { ...run, state: run.state === 'waiting' ? 'running' : run.state },
    30,
    options,
    out,
  )
}

export async function steerRun(
  automationRunId: string,
  verb: 'resume' | 'cancel',
  options: GlobalOptions,
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  const params = { path: { automationRunId } }
  const run = await need(
    verb === 'resume'
      ? api.POST('/admin/v1/automation-runs/{automationRunId}/resume', { params })
      : api.POST('/admin/v1/automation-runs/{automationRunId}/cancel', { params }),
  )
  return await follow(api, run, verb === 'resume' ? 30 : 5, options, out)
}
