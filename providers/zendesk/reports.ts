/** Reports: `satisfaction` summarises CSAT over a span of time, in either of its two forms. */
import type { ProviderContext, Report, Row } from '../contract.ts'
import type { JsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import { objectSchema, optionalText, requireText, timeSchema } from './action-input.ts'
import { textIn, timeIn } from './answer.ts'
import { activeCsat, deriveCsat, readCsat, type CsatVariant } from './satisfaction.ts'

/** One rating, in the terms of both forms. */
interface Opinion {
  /** `good`, `bad`, `offered`, `unoffered`, or a survey's number. */
  readonly score: string
  readonly verdict: 'good' | 'bad' | undefined
  readonly reason: string | undefined
  readonly at: string | undefined
}

function verdictOf(text: string | undefined): 'good' | 'bad' | undefined {
  if (text?.startsWith('good')) return 'good'
  return text?.startsWith('bad') ? 'bad' : undefined
}

function legacyOpinion(row: Row): Opinion {
  const score = textIn(row, 'score') ?? 'unknown'
  return { score, verdict: verdictOf(score), reason: textIn(row, 'reason'), at: timeIn(row, 'created_at') }
}

function surveyOpinion(row: Row): Opinion {
  const said = deriveCsat(row)
  return {
    score: said.rating ?? 'offered',
    verdict: verdictOf(said.category ?? undefined),
    reason: said.reason ?? undefined,
    at: said.created_at ?? undefined,
  }
}

/** The Monday (UTC) of the week, as a date. */
function weekOf(time: string): string {
  const date = new Date(time)
  const monday = new Date(
    Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate() - ((date.getUTCDay() + 6) % 7)),
  )
  return monday.toISOString().slice(0, 10)
}

/** Good of good and bad, in percent with one decimal; null without any. */
function percent(good: number, bad: number): number | null {
  return good + bad === 0 ? null : Math.round((good / (good + bad)) * 1000) / 10
}

/** Adds opinions page by page; keeps counts only, so that memory does not grow with the account. */
class CsatTally {
  private good = 0
  private bad = 0
  private readonly scores = new Map<string, number>()
  private readonly reasons = new Map<string, number>()
  private readonly weeks = new Map<string, { good: number; bad: number }>()

  add(opinion: Opinion): void {
    this.scores.set(opinion.score, (this.scores.get(opinion.score) ?? 0) + 1)
    if (opinion.verdict === undefined) return
    this[opinion.verdict] += 1
    if (opinion.reason !== undefined)
      this.reasons.set(opinion.reason, (this.reasons.get(opinion.reason) ?? 0) + 1)
    if (opinion.at === undefined) return
    const week = this.weeks.get(weekOf(opinion.at)) ?? { good: 0, bad: 0 }
    week[opinion.verdict] += 1
    this.weeks.set(weekOf(opinion.at), week)
  }

  summary(): JsonObject {
    const byCount = [...this.reasons].sort(([a, x], [b, y]) => y - x || a.localeCompare(b))
    const byWeek = [...this.weeks].sort(([a], [b]) => a.localeCompare(b))
    return {
      scorePercent: percent(this.good, this.bad),
      good: this.good,
      bad: this.bad,
      scores: Object.fromEntries([...this.scores].sort(([a], [b]) => a.localeCompare(b))),
      reasons: byCount.map(([reason, count]) => ({ reason, count })),
      weeks: byWeek.map(([week, { good, bad }]) => ({ week, good, bad, scorePercent: percent(good, bad) })),
    }
  }
}

async function chosenVariant(context: ProviderContext, input: JsonObject): Promise<CsatVariant | undefined> {
  const asked = optionalText(input, 'variant')
  if (asked === 'legacy' || asked === 'survey') return asked
  return activeCsat(context)
}

/** Reads everything created in [from, to) and summarises it. `variant: null` in the answer: no CSAT is active. */
async function run(context: ProviderContext, input: JsonObject): Promise<JsonObject> {
  const from = Date.parse(requireText(input, 'from'))
  const to = Date.parse(requireText(input, 'to'))
  if (!(from < to)) {
    throw new HubError('InvalidInput', '"from" must be earlier than "to"', {
      fields: [{ pointer: '/from', detail: 'is not earlier than "to"' }],
    })
  }
  const span = { from: Math.floor(from / 1000), to: Math.floor(to / 1000) }
  const tally = new CsatTally()
  const variant = await chosenVariant(context, input)
  let active = variant !== undefined
  if (variant !== undefined) {
    const opinionOf = variant === 'legacy' ? legacyOpinion : surveyOpinion
    let after: string | undefined
    do {
      const page = await readCsat(context, variant, span, after)
      active = page.status < 400
      for (const row of page.rows) tally.add(opinionOf(row))
      after = page.after
    } while (after !== undefined)
  }
  return {
    variant: active ? (variant ?? null) : null,
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    ...tally.summary(),
  }
}

const count = { type: 'integer', minimum: 0 }
const share = { type: ['number', 'null'], minimum: 0, maximum: 100 }
const list = (properties: Readonly<Record<string, unknown>>) => ({
  type: 'array',
  items: { type: 'object', additionalProperties: false, required: Object.keys(properties), properties },
})

const satisfaction: Report = {
  name: 'satisfaction',
  cacheSeconds: 900,
  title: 'Customer satisfaction',
  description:
    'CSAT of what was rated between two moments: share of good ratings, counts by score and by reason, and the weeks (Monday, UTC). Reads the ' +
    'legacy ratings or the newer survey, whichever is active, unless told which.',
  input: objectSchema(
    {
      from: timeSchema,
      to: timeSchema,
      variant: { type: 'string', enum: ['auto', 'legacy', 'survey'], default: 'auto' },
    },
    ['from', 'to'],
    [{ from: '2026-10-01T00:00:00Z', to: '2026-11-01T00:00:00Z' }],
  ),
  output: objectSchema(
    {
      variant: {
        enum: ['legacy', 'survey', null],
        description: 'What was read; null: no CSAT is active in the account',
      },
      from: timeSchema,
      to: timeSchema,
      scorePercent: { ...share, description: 'good / (good + bad); null when nobody rated' },
      good: count,
      bad: count,
      scores: { type: 'object', additionalProperties: count },
      reasons: list({ reason: { type: 'string' }, count }),
      weeks: list({ week: { type: 'string', format: 'date' }, good: count, bad: count, scorePercent: share }),
    },
    ['variant', 'from', 'to', 'scorePercent', 'good', 'bad', 'scores', 'reasons', 'weeks'],
    [
      {
        variant: 'legacy',
        from: '2026-10-01T00:00:00.000Z',
        to: '2026-11-01T00:00:00.000Z',
        scorePercent: 75,
        good: 3,
        bad: 1,
        scores: { bad: 1, good: 3, offered: 7 },
        reasons: [{ reason: 'The issue was not resolved', count: 1 }],
        weeks: [{ week: '2026-10-05', good: 3, bad: 1, scorePercent: 75 }],
      },
    ],
  ),
  run,
}

export const reports: readonly Report[] = [satisfaction]
