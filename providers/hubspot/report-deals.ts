/** Reports on deals: the pipeline as it stands, and how deals moved through it. */
import type { JsonObject } from '../../model/json.ts'
import type { ProviderContext, Report, Row } from '../contract.ts'
import {
  countSchema,
  moneySchema,
  nullable,
  objectSchema,
  optionalText,
  spanIn,
  textSchema,
  timeSchema,
} from './action-input.ts'
import { fieldsIn, idIn, millisecondsIn, numberIn, objectsIn, textIn } from './answer.ts'
import { pipelinesOf } from './lists-of-few.ts'
import { objectTypes } from './object-types.ts'
import { listObjects, type ObjectType } from './objects.ts'

/** A report reads at most so many deals, and says when there are more. */
const mostDeals = 50_000
const hour = 3_600_000

interface Stage {
  readonly id: string
  readonly name: string
  readonly pipelineId: string
  readonly order: number
  readonly probability: number | null
}

/** Stages of one pipeline, or of all. */
async function stagesOf(context: ProviderContext, pipelineId: string | undefined): Promise<Stage[]> {
  const { rows } = await pipelinesOf(context, { type: 'deals', objectType: 'deal' })
  return rows.flatMap((pipeline) => {
    const id = idIn(pipeline, 'id') ?? ''
    if (pipelineId !== undefined && id !== pipelineId) return []
    return objectsIn(pipeline, 'stages').map((stage) => ({
      id: idIn(stage, 'id') ?? '',
      name: textIn(stage, 'label') ?? '',
      pipelineId: id,
      order: numberIn(stage, 'displayOrder') ?? 0,
      probability: numberIn(fieldsIn(stage, 'metadata'), 'probability') ?? null,
    }))
  })
}

/** Goes through all living deals. False when there were more than a report reads. */
async function eachDeal(
  context: ProviderContext,
  properties: readonly string[],
  hasHistory: boolean,
  take: (deal: Row) => void,
): Promise<boolean> {
  const type: ObjectType = { ...objectTypes.deals, history: hasHistory ? ['dealstage'] : [], associated: [] }
  let after: string | undefined
  let count = 0
  do {
    const page = await listObjects(context, type, after, properties)
    page.rows.forEach(take)
    count += page.rows.length
    after = page.after
    if (after !== undefined && count >= mostDeals) return false
  } while (after !== undefined)
  return true
}

interface Tally {
  count: number
  readonly amounts: Map<string, { amount: number; weighted: number }>
  stageMs: number
  timed: number
}

function addDeal(tally: Tally, deal: Row, stage: Stage | undefined, now: number): void {
  const properties = fieldsIn(deal, 'properties')
  tally.count += 1
  const currency = textIn(fieldsIn(deal, 'derived'), 'currency') ?? 'unknown'
  const amount = numberIn(properties, 'amount') ?? 0
  const probability = numberIn(properties, 'hs_deal_stage_probability') ?? stage?.probability ?? 0
  const sums = tally.amounts.get(currency) ?? { amount: 0, weighted: 0 }
  tally.amounts.set(currency, {
    amount: sums.amount + amount,
    weighted: sums.weighted + amount * probability,
  })
  const entered = millisecondsIn(properties, 'hs_v2_date_entered_current_stage')
  const spent =
    numberIn(properties, 'hs_v2_time_in_current_stage') ?? (entered === undefined ? undefined : now - entered)
  if (spent === undefined || spent < 0) return
  tally.stageMs += spent
  tally.timed += 1
}

const round = (value: number): number => Math.round(value * 100) / 100

async function runPipeline(context: ProviderContext, input: JsonObject): Promise<JsonObject> {
  const pipelineId = optionalText(input, 'pipelineId')
  const stages = await stagesOf(context, pipelineId)
  const byStage = new Map<string, Tally>()
  const now = context.now().getTime()
  const wanted = ['amount', 'dealstage', 'pipeline', 'deal_currency_code', 'hs_deal_stage_probability']
  const times = ['hs_v2_time_in_current_stage', 'hs_v2_date_entered_current_stage']
  const isComplete = await eachDeal(context, [...wanted, ...times], false, (deal) => {
    const properties = fieldsIn(deal, 'properties')
    const key = `${textIn(properties, 'pipeline') ?? ''}/${textIn(properties, 'dealstage') ?? ''}`
    const tally = byStage.get(key) ?? { count: 0, amounts: new Map(), stageMs: 0, timed: 0 }
    byStage.set(key, tally)
    addDeal(
      tally,
      deal,
      stages.find((stage) => `${stage.pipelineId}/${stage.id}` === key),
      now,
    )
  })
  return {
    isComplete,
    stages: stages.map((stage) => stageLine(stage, byStage.get(`${stage.pipelineId}/${stage.id}`))),
  }
}

function stageLine(stage: Stage, tally: Tally | undefined): JsonObject {
  return {
    pipelineId: stage.pipelineId,
    stageId: stage.id,
    name: stage.name,
    probability: stage.probability,
    count: tally?.count ?? 0,
    amounts: [...(tally?.amounts ?? [])].map(([currency, { amount, weighted }]) => ({
      currency,
      amount: round(amount),
      weightedAmount: round(weighted),
    })),
    averageHoursInStage: tally && tally.timed > 0 ? round(tally.stageMs / tally.timed / hour) : null,
  }
}

const list = (properties: Readonly<Record<string, unknown>>) => ({
  type: 'array',
  items: { type: 'object', additionalProperties: false, required: Object.keys(properties), properties },
})

const dealPipeline: Report = {
  name: 'deal_pipeline',
  title: 'Deal pipeline',
  description:
    'For each stage: how many deals, what they are worth by currency, weighted by probability, and how long they have been there on average.',
  cacheSeconds: 900,
  input: objectSchema({ pipelineId: textSchema(64) }, [], [{}, { pipelineId: 'default' }]),
  output: objectSchema(
    {
      isComplete: { type: 'boolean', description: `False: there are more than ${String(mostDeals)} deals` },
      stages: list({
        pipelineId: textSchema(64),
        stageId: textSchema(64),
        name: { type: 'string' },
        probability: moneySchema,
        count: countSchema,
        amounts: list({
          currency: { type: 'string' },
          amount: { type: 'number' },
          weightedAmount: { type: 'number' },
        }),
        averageHoursInStage: moneySchema,
      }),
    },
    ['isComplete', 'stages'],
    [
      {
        isComplete: true,
        stages: [
          {
            pipelineId: 'default',
            stageId: 'contractsent',
            name: 'Contract sent',
            probability: 0.9,
            count: 2,
            amounts: [{ currency: 'USD', amount: 6000, weightedAmount: 5400 }],
            averageHoursInStage: 52.5,
          },
        ],
      },
    ],
  ),
  run: runPipeline,
}

// -------------------------------------------------------------------------------------------- moves

interface Move {
  readonly from: string | undefined
  readonly to: string
  readonly at: number
  /** When the stage was entered that this move leaves. */
  readonly enteredAt: number | undefined
}

/** The moves of a deal, oldest first. HubSpot gives the newest first. */
export function movesOf(row: Row, property: string): Move[] {
  const steps = objectsIn(fieldsIn(row, 'propertiesWithHistory'), property)
    .flatMap((step) => {
      const at = millisecondsIn(step, 'timestamp')
      return at === undefined ? [] : [{ at, stage: textIn(step, 'value') }]
    })
    .sort((a, b) => a.at - b.at)
  const moves: Move[] = []
  let last: { stage: string; at: number } | undefined
  for (const { at, stage } of steps) {
    // A cleared stage is a step on the way to another one, not a stage.
    if (stage === undefined || stage === last?.stage) continue
    moves.push({ from: last?.stage, to: stage, at, enteredAt: last?.at })
    last = { stage, at }
  }
  return moves
}

async function runMoves(context: ProviderContext, input: JsonObject): Promise<JsonObject> {
  const { from, to } = spanIn(input)
  const stages = await stagesOf(context, optionalText(input, 'pipelineId'))
  const names = new Map(stages.map((stage) => [stage.id, stage.name]))
  const order = new Map(stages.map((stage) => [stage.id, stage.order]))
  const counts = new Map<string, number>()
  const spent = new Map<string, { ms: number; count: number }>()
  const isComplete = await eachDeal(context, ['pipeline', 'dealstage'], true, (deal) => {
    for (const move of movesOf(deal, 'dealstage')) {
      if (move.at < from || move.at >= to || !names.has(move.to)) continue
      const key = `${move.from ?? ''}>${move.to}`
      counts.set(key, (counts.get(key) ?? 0) + 1)
      if (move.from === undefined || move.enteredAt === undefined) continue
      const sum = spent.get(move.from) ?? { ms: 0, count: 0 }
      spent.set(move.from, { ms: sum.ms + move.at - move.enteredAt, count: sum.count + 1 })
    }
  })
  return {
    isComplete,
    moves: [...counts].map(([key, count]) => {
      const [before = '', after = ''] = key.split('>')
      const isBack = before !== '' && (order.get(after) ?? 0) < (order.get(before) ?? 0)
      return { fromStageId: before === '' ? null : before, toStageId: after, count, isBack }
    }),
    timeInStage: [...spent].map(([stageId, { ms, count }]) => ({
      stageId,
      name: names.get(stageId) ?? stageId,
      left: count,
      averageHours: round(ms / count / hour),
    })),
  }
}

const dealMoves: Report = {
  name: 'deal_moves',
  title: 'Moves of deals and time in stage',
  description:
    'What moved between two moments, forward and back, and how long deals had been in the stages that they left. Read from the history that HubSpot keeps of each deal.',
  cacheSeconds: 3600,
  input: objectSchema(
    { from: timeSchema, to: timeSchema, pipelineId: textSchema(64) },
    ['from', 'to'],
    [{ from: '2026-10-01T00:00:00Z', to: '2026-11-01T00:00:00Z' }],
  ),
  output: objectSchema(
    {
      isComplete: { type: 'boolean' },
      moves: list({
        fromStageId: nullable(textSchema(64)),
        toStageId: textSchema(64),
        count: countSchema,
        isBack: { type: 'boolean' },
      }),
      timeInStage: list({
        stageId: textSchema(64),
        name: { type: 'string' },
        left: countSchema,
        averageHours: { type: 'number' },
      }),
    },
    ['isComplete', 'moves', 'timeInStage'],
    [
      {
        isComplete: true,
        moves: [{ fromStageId: 'contractsent', toStageId: 'closedwon', count: 3, isBack: false }],
        timeInStage: [{ stageId: 'contractsent', name: 'Contract sent', left: 3, averageHours: 40 }],
      },
    ],
  ),
  run: runMoves,
}

export const dealReports: readonly Report[] = [dealPipeline, dealMoves]
