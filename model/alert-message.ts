/**
 * What an alert says, and how each kind of channel wants it. Pure: what is known goes in, texts come out. Nothing secret and nobody's
 * data is in it: titles and summaries of incidents hold none.
 */
import type { Severity } from './alert-policy.ts'
import { duration } from './health.ts'
import type { JsonObject } from './json.ts'
import { escapeHtml } from './markup.ts'

export interface AlertFacts {
  readonly kind: 'opened' | 'repeated' | 'escalated' | 'acknowledged' | 'resolved' | 'test'
  readonly incidentId: string
  readonly title: string
  readonly summary: string
  readonly severity: Severity
  readonly state: 'open' | 'acknowledged' | 'snoozed' | 'resolved'
  /** Name of the provider. */
  readonly provider: string | null
  readonly culprit: string | null
  readonly openedAt: Date
  readonly resolvedAt: Date | null
  readonly acknowledgedBy: string | null
  readonly now: Date
  readonly reopened: number
  readonly connections: number
  /** Incidents that are told of together, this one included; titles of the first of them. */
  readonly group: number
  readonly titles: readonly string[]
  /** "Night: level 2". */
  readonly step: string | null
  /** Names of channels that could not be reached. */
  readonly unreached: readonly string[]
  /** Where it can be answered; none when there is nothing to answer. */
  readonly links: readonly { readonly label: string; readonly url: string }[]
  readonly hub: string
}

const words = {
  opened: 'New',
  repeated: 'Still open',
  escalated: 'Escalated',
  acknowledged: 'Acknowledged',
  resolved: 'Resolved',
  test: 'Test',
} as const

/** One that is over by the time it gets through is told as over. */
export const kindNow = ({ kind, state }: Pick<AlertFacts, 'kind' | 'state'>): AlertFacts['kind'] =>
  kind !== 'test' && state === 'resolved' ? 'resolved' : kind

const others = ({ group }: AlertFacts): string => (group > 1 ? ` (and ${group - 1} more)` : '')

/** One line. */
export const subjectOf = (facts: AlertFacts): string =>
  `[${words[kindNow(facts)]}] ${facts.title}${others(facts)}`.replace(/[\r\n]+/g, ' ').slice(0, 200)

/** Label and value of what is worth knowing. */
function figures(facts: AlertFacts): (readonly [string, string])[] {
  const lasts = (facts.resolvedAt ?? facts.now).getTime() - facts.openedAt.getTime()
  const rows: (readonly [string, string | null])[] = [
    ['Severity', facts.severity],
    ['Service', facts.provider],
    ['Whose fault', facts.culprit],
    [
      'Since',
      `${facts.openedAt.toISOString().slice(0, 16).replace('T', ' ')} UTC (${duration(Math.max(0, lasts) / 1000)})`,
    ],
    [
      'Ended',
      facts.resolvedAt === null
        ? null
        : `${facts.resolvedAt.toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    ],
    ['Connections', facts.connections === 0 ? null : String(facts.connections)],
    ['Came back', facts.reopened === 0 ? null : `${facts.reopened} times`],
    ['Taken on by', facts.acknowledgedBy],
    ['Told', facts.step],
    ['Not reached', facts.unreached.length === 0 ? null : facts.unreached.join(', ')],
    ['Incident', facts.incidentId],
  ]
  return rows.flatMap(([name, value]) => (value === null ? [] : [[name, value] as const]))
}

const commandOf = ({ incidentId }: AlertFacts): string => `tieline incidents show ${incidentId}`

export function textOf(facts: AlertFacts): string {
  const lines = [facts.title + others(facts), '', facts.summary, '']
  for (const [name, value] of figures(facts)) lines.push(`${name}: ${value}`)
  if (facts.titles.length > 1) lines.push('', ...facts.titles.map((title) => `- ${title}`))
  if (facts.links.length > 0) lines.push('', ...facts.links.map(({ label, url }) => `${label}: ${url}`))
  if (facts.kind !== 'test') lines.push('', `On the command line: ${commandOf(facts)}`)
  lines.push('', `Tieline at ${facts.hub}`)
  return `${lines.join('\n')}\n`
}

const colours: Readonly<Record<Severity, string>> = {
  critical: '#b42318',
  warning: '#b54708',
  info: '#175cd3',
}

/** The frame of the HTML of a message: a branded one can be put in its place. */
export type MailFrame = (parts: {
  readonly title: string
  readonly colour: string
  readonly body: string
}) => string

export const plainFrame: MailFrame = ({ title, colour, body }) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title></head>
<body style="font-family:system-ui,sans-serif;color:#101828;margin:0;padding:24px;background:#f9fafb">
<div style="max-width:560px;margin:auto;background:#fff;border:1px solid #eaecf0;border-top:4px solid ${colour};padding:24px">${body}</div>
</body></html>`

export function htmlOf(facts: AlertFacts, frame: MailFrame = plainFrame): string {
  const rows = figures(facts).map(
    ([name, value]) =>
      `<tr><td style="padding:2px 12px 2px 0;color:#667085">${escapeHtml(name)}</td><td>${escapeHtml(value)}</td></tr>`,
  )
  const titles =
    facts.titles.length > 1
      ? `<ul>${facts.titles.map((title) => `<li>${escapeHtml(title)}</li>`).join('')}</ul>`
      : ''
  const links = facts.links.map(
    ({ label, url }) =>
      `<a href="${escapeHtml(url)}" style="display:inline-block;margin:0 8px 8px 0;padding:8px 16px;background:#101828;color:#fff;text-decoration:none">${escapeHtml(label)}</a>`,
  )
  const body = `<p style="margin:0;color:#667085">${words[kindNow(facts)]}</p>
<h1 style="font-size:20px;margin:4px 0 12px">${escapeHtml(facts.title + others(facts))}</h1>
<p>${escapeHtml(facts.summary)}</p>
<table style="font-size:14px;border-collapse:collapse">${rows.join('')}</table>${titles}
<p style="margin-top:20px">${links.join('')}</p>
${facts.kind === 'test' ? '' : `<p style="font-size:13px;color:#667085">On the command line: <code>${escapeHtml(commandOf(facts))}</code></p>`}`
  return frame({
    title: subjectOf(facts),
    colour: kindNow(facts) === 'resolved' ? '#067647' : colours[facts.severity],
    body,
  })
}

/** For Slack, and what takes the same. `<…>`, `&` have a meaning there. */
const slackText = (text: string): string =>
  text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')

export function slackOf(facts: AlertFacts): JsonObject {
  const title = subjectOf(facts)
  const lines = figures(facts).map(([name, value]) => `*${name}:* ${slackText(value)}`)
  const titles = facts.titles.length > 1 ? facts.titles.map((one) => `• ${slackText(one)}`) : []
  const links = facts.links.map(({ label, url }) => `<${url}|${slackText(label)}>`)
  const text = [slackText(facts.summary), ...lines, ...titles, links.join('  ')].filter((line) => line !== '')
  return {
    text: slackText(title),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: title.slice(0, 150) } },
      { type: 'section', text: { type: 'mrkdwn', text: text.join('\n').slice(0, 2900) } },
    ],
  }
}

/** What a generic webhook is sent. */
export const webhookOf = (facts: AlertFacts): JsonObject => ({
  type: `incident.${kindNow(facts)}`,
  timestamp: facts.now.toISOString(),
  data: {
    incidentId: facts.incidentId,
    title: facts.title,
    summary: facts.summary,
    severity: facts.severity,
    state: facts.state,
    provider: facts.provider,
    culprit: facts.culprit,
    openedAt: facts.openedAt.toISOString(),
    resolvedAt: facts.resolvedAt?.toISOString() ?? null,
    reopened: facts.reopened,
    connections: facts.connections,
    incidents: facts.group,
    titles: [...facts.titles],
    step: facts.step,
    unreached: [...facts.unreached],
    links: Object.fromEntries(facts.links.map(({ label, url }) => [label, url])),
  },
})

const actions = {
  ...{ opened: 'trigger', repeated: 'trigger', escalated: 'trigger', test: 'trigger' },
  ...{ acknowledged: 'acknowledge', resolved: 'resolve' },
} as const

/** Events API v2 of PagerDuty, and what takes the same: one incident there for one here, by `dedup_key`. */
export function pagerDutyOf(facts: AlertFacts, routingKey: string): JsonObject {
  const action = actions[kindNow(facts)]
  const dedupKey = facts.kind === 'test' ? `tieline-test-${facts.incidentId}` : `tieline-${facts.incidentId}`
  const head = { routing_key: routingKey, event_action: action, dedup_key: dedupKey }
  if (action !== 'trigger') return head
  return {
    ...head,
    client: 'Tieline',
    client_url: facts.hub,
    links: facts.links.map(({ label, url }) => ({ href: url, text: label })),
    payload: {
      summary: `${facts.title}${others(facts)}`.slice(0, 1024),
      source: facts.provider ?? facts.hub,
      severity: facts.severity,
      timestamp: facts.openedAt.toISOString(),
      component: facts.provider ?? 'hub',
      class: facts.culprit ?? 'incident',
      custom_details: Object.fromEntries([['Summary', facts.summary] as const, ...figures(facts)]),
    },
  }
}
