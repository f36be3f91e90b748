/** `tieline incidents`: open problems and what people do about them. */
import { CliError, type ExitCode } from '../cli-error.ts'
import { collect, need, openApi, type GlobalOptions, type Schemas } from '../client.ts'
import { ago, table, type Out } from '../print.ts'

type Incident = Schemas['Incident']

export interface ListOptions extends GlobalOptions {
  readonly state: Schemas['IncidentFilter']
  readonly all?: boolean
  readonly service?: string
  readonly limit: string
}

export function incidentRow(one: Incident, { paint }: Out): string[] {
  const severity = { critical: paint.red, warning: paint.yellow, info: paint.dim }[one.severity]
  return [
    one.incidentId,
    severity(one.severity),
    one.state === 'resolved' ? paint.green(one.state) : one.state,
    ago(one.openedAt),
    one.title,
  ]
}

export const incidentHead = ['incident', 'severity', 'state', 'opened', 'what'] as const

export async function listIncidents(options: ListOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const filter = {
    ...(options.all ? {} : { state: options.state }),
    ...(options.service === undefined ? {} : { provider: options.service }),
  }
  const items = await collect(Number(options.limit), (cursor, limit) =>
    need(
      api.GET('/admin/v1/incidents', {
        params: { query: { ...filter, limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  if (options.json) out.json(items)
  else if (items.length === 0) out.line('Nothing is open.')
  else
    for (const line of table(
      [...incidentHead],
      items.map((one) => incidentRow(one, out)),
      out.paint,
    ))
      out.line(line)
  return 0
}

export async function showIncident(incidentId: string, options: GlobalOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const params = { path: { incidentId } }
  if (options.json) {
    out.json(await need(api.GET('/admin/v1/incidents/{incidentId}', { params })))
    return 0
  }
  const { markdown, state } = await need(api.GET('/admin/v1/incidents/{incidentId}/timeline', { params }))
  for (const line of markdown.split('\n')) out.line(line)
  if (state === 'open') {
    out.line()
    out.line(`Take it on: tieline incidents acknowledge ${incidentId}`)
  }
  return 0
}

export interface AnswerOptions extends GlobalOptions {
  readonly note?: string
  readonly minutes?: string
}

export async function answerIncident(
  incidentId: string,
  verb: 'acknowledge' | 'snooze' | 'resolve',
  options: AnswerOptions,
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  const params = { path: { incidentId } }
  const note = options.note === undefined ? {} : { note: options.note }
  const minutes = Number(options.minutes ?? 60)
  if (!Number.isInteger(minutes) || minutes < 1)
    throw new CliError(`--minutes takes a whole number of at least 1, not "${options.minutes ?? ''}".`, 2)
  const one = await need(
    verb === 'acknowledge'
      ? api.POST('/admin/v1/incidents/{incidentId}/acknowledge', { params, body: note })
      : verb === 'resolve'
        ? api.POST('/admin/v1/incidents/{incidentId}/resolve', { params, body: note })
        : api.POST('/admin/v1/incidents/{incidentId}/snooze', { params, body: { ...note, minutes } }),
  )
  if (options.json) out.json(one)
  else {
    const until = one.snoozedUntil === null ? '' : ` until ${one.snoozedUntil}`
    out.line(`${one.incidentId} is ${one.state}${until}: ${one.title}`)
  }
  return 0
}
