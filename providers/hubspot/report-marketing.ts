/** Reports on contacts' lifecycle, on mailings and on the calls that are left. */
import type { JsonObject } from '../../model/json.ts'
import type { ProviderContext, Report, Row } from '../contract.ts'
import {
  countSchema,
  moneySchema,
  nullable,
  objectSchema,
  spanIn,
  textSchema,
  timeSchema,
} from './action-input.ts'
import { fieldsIn, idIn, numberIn, textIn } from './answer.ts'
import { listEmails } from './mailings.ts'
import { stageProperty } from './lifecycle.ts'
import { objectTypes } from './object-types.ts'
import { readObjects } from './objects.ts'
import { optionOrder } from './properties.ts'
import { movesOf } from './report-deals.ts'
import { countObjects, searchChanged, type Walk } from './search.ts'
import { readUsage } from './usage.ts'

/** A report looks at the history of at most so many contacts, and says when there are more. */
const mostContacts = 20_000

const list = (properties: Readonly<Record<string, unknown>>) => ({
  type: 'array',
  items: { type: 'object', additionalProperties: false, required: Object.keys(properties), properties },
})

/** Contacts that have changed since; whoever moved in between is among them. */
async function eachChanged(
  context: ProviderContext,
  since: number,
  take: (contact: Row) => void,
): Promise<boolean> {
  const seen = new Set<string>()
  let walk: Walk | undefined = { low: since, until: context.now().getTime() }
  while (walk) {
    const found: Awaited<ReturnType<typeof searchChanged>> = await searchChanged(
      context,
      objectTypes.contacts,
      walk,
    )
    const ids = found.ids.filter((id) => !seen.has(id))
    ids.forEach((id) => seen.add(id))
    const { rows } = await readObjects(context, objectTypes.contacts, ids)
    rows.forEach(take)
    walk = found.next
    if (walk && seen.size >= mostContacts) return false
  }
  return true
}

async function runFunnel(context: ProviderContext, input: JsonObject): Promise<JsonObject> {
  const { from, to } = spanIn(input)
  const stages = await optionOrder(context, 'contacts', stageProperty)
  const order = stages.map(({ value }) => value)
  const entered = new Map<string, { forward: number; back: number }>()
  const isComplete = await eachChanged(context, from, (contact) => {
    for (const move of movesOf(contact, stageProperty)) {
      if (move.at < from || move.at >= to) continue
      const sum = entered.get(move.to) ?? { forward: 0, back: 0 }
      const isBack = move.from !== undefined && order.indexOf(move.to) < order.indexOf(move.from)
      entered.set(move.to, { ...sum, [isBack ? 'back' : 'forward']: sum[isBack ? 'back' : 'forward'] + 1 })
    }
  })
  const lines: JsonObject[] = []
  for (const { value, label } of stages) {
    const filter = { propertyName: stageProperty, operator: 'EQ', value }
    lines.push({
      stage: value,
      name: label,
      count: (await countObjects(context, 'contacts', [filter])) ?? null,
      movedForwardInto: entered.get(value)?.forward ?? 0,
      movedBackInto: entered.get(value)?.back ?? 0,
    })
  }
  return { isComplete, stages: lines }
}

const lifecycleFunnel: Report = {
  name: 'lifecycle_funnel',
  title: 'Lifecycle funnel',
  description:
    'How many contacts are in each stage of the lifecycle now, and how many moved into it, forward or back, between two moments.',
  cacheSeconds: 3600,
  input: objectSchema(
    { from: timeSchema, to: timeSchema },
    ['from', 'to'],
    [{ from: '2026-10-01T00:00:00Z', to: '2026-11-01T00:00:00Z' }],
  ),
  output: objectSchema(
    {
      isComplete: {
        type: 'boolean',
        description: `False: more than ${String(mostContacts)} contacts have changed; later moves are missing`,
      },
      stages: list({
        stage: textSchema(100),
        name: { type: 'string' },
        count: nullable(countSchema),
        movedForwardInto: countSchema,
        movedBackInto: countSchema,
      }),
    },
    ['isComplete', 'stages'],
    [
      {
        isComplete: true,
        stages: [{ stage: 'lead', name: 'Lead', count: 120, movedForwardInto: 14, movedBackInto: 1 }],
      },
    ],
  ),
  run: runFunnel,
}

// ------------------------------------------------------------------------------------------- mailings

const figures = {
  sends: 'sent',
  delivered: 'delivered',
  opens: 'open',
  clicks: 'click',
  bounces: 'bounce',
  unsubscribes: 'unsubscribed',
} as const

function figuresOf(email: Row): Record<keyof typeof figures, number> {
  const counters = fieldsIn(fieldsIn(email, 'stats'), 'counters')
  const entries = Object.entries(figures).map(([ours, theirs]) => [ours, numberIn(counters, theirs) ?? 0])
  return Object.fromEntries(entries) as Record<keyof typeof figures, number>
}

/** In percent with one decimal; null of nothing. */
const share = (part: number, whole: number): number | null =>
  whole === 0 ? null : Math.round((part / whole) * 1000) / 10

function emailLine(email: Row): JsonObject {
  const numbers = figuresOf(email)
  return {
    id: idIn(email, 'id') ?? '',
    name: textIn(email, 'name') ?? '',
    sentAt: textIn(email, 'publishedAt') ?? textIn(email, 'publishDate') ?? null,
    ...numbers,
    openPercent: share(numbers.opens, numbers.delivered),
    clickPercent: share(numbers.clicks, numbers.delivered),
  }
}

async function runCampaign(context: ProviderContext, input: JsonObject): Promise<JsonObject> {
  const { from, to } = spanIn(input)
  const between = {
    publishedAfter: new Date(from).toISOString(),
    publishedBefore: new Date(to).toISOString(),
  }
  const emails: JsonObject[] = []
  const total = { sends: 0, delivered: 0, opens: 0, clicks: 0, bounces: 0, unsubscribes: 0 }
  let after: string | undefined
  do {
    const page = await listEmails(context, after, between)
    for (const email of page.rows) {
      const numbers = figuresOf(email)
      for (const name of Object.keys(figures) as (keyof typeof figures)[]) total[name] += numbers[name]
      emails.push(emailLine(email))
    }
    after = page.after
  } while (after !== undefined)
  return { total, emails }
}

const counts = Object.fromEntries(Object.keys(figures).map((name) => [name, countSchema]))
const percent = { type: ['number', 'null'], minimum: 0 }

const emailCampaign: Report = {
  name: 'email_campaign',
  title: 'E-mail campaigns',
  description:
    'Marketing e-mails that were published between two moments: sends, deliveries, opens, clicks, bounces and unsubscriptions, of each and in all.',
  cacheSeconds: 900,
  input: objectSchema(
    { from: timeSchema, to: timeSchema },
    ['from', 'to'],
    [{ from: '2026-10-01T00:00:00Z', to: '2026-11-01T00:00:00Z' }],
  ),
  output: objectSchema(
    {
      total: {
        type: 'object',
        additionalProperties: false,
        required: Object.keys(counts),
        properties: counts,
      },
      emails: list({
        id: { type: 'string' },
        name: { type: 'string' },
        sentAt: { type: ['string', 'null'] },
        ...counts,
        openPercent: percent,
        clickPercent: percent,
      }),
    },
    ['total', 'emails'],
    [{ total: { sends: 0, delivered: 0, opens: 0, clicks: 0, bounces: 0, unsubscribes: 0 }, emails: [] }],
  ),
  run: runCampaign,
}

// ---------------------------------------------------------------------------------------------- usage

const apiUsage: Report = {
  name: 'api_usage',
  title: 'Calls left today',
  description:
    'How many of the day’s calls all private apps of the account have used, and when the day ends. Null: there is no daily limit.',
  cacheSeconds: 60,
  input: objectSchema({}, [], [{}]),
  output: objectSchema(
    {
      used: nullable(countSchema),
      limit: nullable(countSchema),
      left: nullable(countSchema),
      usedPercent: moneySchema,
      resetsAt: { type: ['string', 'null'] },
    },
    ['used', 'limit', 'left', 'usedPercent', 'resetsAt'],
    [{ used: 1200, limit: 250000, left: 248800, usedPercent: 0.5, resetsAt: '2026-11-24T05:00:00Z' }],
  ),
  async run(context) {
    const usage = await readUsage(context)
    if (!usage) return { used: null, limit: null, left: null, usedPercent: null, resetsAt: null }
    const { used, limit, resetsAt } = usage
    return {
      used,
      limit,
      left: Math.max(0, limit - used),
      usedPercent: share(used, limit),
      resetsAt: resetsAt ?? null,
    }
  },
}

export const marketingReports: readonly Report[] = [lifecycleFunnel, emailCampaign, apiUsage]
