/** `tieline webhooks rules`: which events rules are for, what they send on; tried before they are put in force. */
import type { ExitCode } from '../cli-error.ts'
import { need, openApi, type GlobalOptions, type Schemas } from '../client.ts'
import { jsonObject, wholeNumber } from '../input.ts'
import { table, type Out } from '../print.ts'

const definitionFrom = (text: string): Schemas['HookRuleDefinition'] =>
  jsonObject(text, '--definition') as unknown as Schemas['HookRuleDefinition']

export async function listRules(options: GlobalOptions, out: Out): Promise<ExitCode> {
  const { items } = await need(
    openApi(options).GET('/admin/v1/hook-rules', { params: { query: { limit: 200 } } }),
  )
  if (options.json) out.json(items)
  else if (items.length === 0) out.line('There are no rules.')
  else {
    const rows = items.map(({ ruleId, name, connectionId, provider, activeVersion, latestVersion }) => [
      ruleId,
      name,
      connectionId ?? provider ?? 'every connection',
      activeVersion === null ? 'no' : `version ${activeVersion}`,
      String(latestVersion),
    ])
    for (const line of table(['rule', 'name', 'for', 'in force', 'newest'], rows, out.paint)) out.line(line)
  }
  return 0
}

export async function showRule(ruleId: string, options: GlobalOptions, out: Out): Promise<ExitCode> {
  out.json(
    await need(openApi(options).GET('/admin/v1/hook-rules/{ruleId}', { params: { path: { ruleId } } })),
  )
  return 0
}

interface AddOptions extends GlobalOptions {
  readonly definition: string
  readonly name?: string
  readonly connection?: string
  readonly provider?: string
  readonly rule?: string
}

/** A new rule, or (with `--rule`) a new version of one; a draft either way. */
export async function addRule(options: AddOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const definition = definitionFrom(options.definition)
  const { rule: ruleId, connection: connectionId, provider, name = 'Rule' } = options
  const rule =
    ruleId === undefined
      ? await need(
          api.POST('/admin/v1/hook-rules', {
            params: { header: {} },
            body: {
              name,
              definition,
              ...(connectionId === undefined ? {} : { connectionId }),
              ...(provider === undefined ? {} : { provider }),
            },
          }),
        )
      : await need(
          api.POST('/admin/v1/hook-rules/{ruleId}/versions', {
            params: { path: { ruleId } },
            body: { definition },
          }),
        )
  if (options.json) out.json(rule)
  else
    out.line(
      `${rule.ruleId} has version ${rule.latestVersion}, a draft. Try it: tieline webhooks rules test --rule ${rule.ruleId} --connection con_…`,
    )
  return 0
}

interface TestOptions extends GlobalOptions {
  readonly connection: string
  readonly rule?: string
  readonly definition?: string
  readonly type?: string
  readonly limit?: string
}

export async function testRule(options: TestOptions, out: Out): Promise<ExitCode> {
  const { connection: connectionId, rule: ruleId, definition, type, limit } = options
  const tested = await need(
    openApi(options).POST('/admin/v1/hook-rules/test', {
      body: {
        connectionId,
        limit: wholeNumber(limit ?? '100', '--limit'),
        ...(ruleId === undefined ? {} : { ruleId }),
        ...(definition === undefined ? {} : { definition: definitionFrom(definition) }),
        ...(type === undefined ? {} : { type }),
      },
    }),
  )
  if (options.json) {
    out.json(tested)
    return 0
  }
  for (const { eventId, type: told, output, error } of tested.results)
    out.line(`${eventId}  ${told}  ${error ?? JSON.stringify(output)}`)
  out.line(
    `${tested.events} stored events looked at: ${tested.matched} match, ${tested.failed} fail. Nothing was changed.`,
  )
  return 0
}

/** @param version null: none is in force; undefined: the newest. */
export async function activateRule(
  ruleId: string,
  version: string | null | undefined,
  options: GlobalOptions,
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  const params = { path: { ruleId } }
  const newest = async () => (await need(api.GET('/admin/v1/hook-rules/{ruleId}', { params }))).latestVersion
  const chosen =
    version === undefined ? await newest() : version === null ? null : wholeNumber(version, 'version')
  const rule = await need(
    api.POST('/admin/v1/hook-rules/{ruleId}/activation', { params, body: { version: chosen } }),
  )
  if (options.json) out.json(rule)
  else
    out.line(
      rule.activeVersion === null
        ? `${ruleId} is not in force any more.`
        : `Version ${rule.activeVersion} of ${ruleId} is in force.`,
    )
  return 0
}

export async function deleteRule(ruleId: string, options: GlobalOptions, out: Out): Promise<ExitCode> {
  await need(openApi(options).DELETE('/admin/v1/hook-rules/{ruleId}', { params: { path: { ruleId } } }))
  if (!options.json) out.line(`${ruleId} is gone.`)
  return 0
}
