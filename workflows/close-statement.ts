/**
 * `closeStatement`: what is due to a partner at the end of a month, approved by a person, then paid. `closeStatements`: on a schedule at
 * the beginning of a month, bills the usage of the one before and closes it for every partner that something is due to.
 */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common'
import {
  ParentClosePolicy,
  allHandlersFinished,
  condition,
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  startChild,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { StatementFacts } from '../activities/statements.ts'
import { isPeriod } from '../model/commission.ts'
import { isId } from '../model/ids.ts'
import { decimalOf } from '../model/money.ts'
import {
  decideStatementUpdate,
  payStatementUpdate,
  workflowIds,
  type CloseStatementInput,
  type CloseStatementResult,
  type CloseStatementsInput,
  type CloseStatementsResult,
  type StatementDecision,
  type StatementPayout,
} from './messages.ts'
import { beginCommission } from './post-commission.ts'
import { retry } from './retry.ts'
import { searchAttributes } from './search-attributes.ts'
import { invalidInput } from './validate.ts'

const hub = proxyActivities<Activities>({ startToCloseTimeout: '1 minute', retry: retry.database })

/** `{"partnerId": "par_…", "period": "2026-11"}`. A month that is closed already is looked at, and nothing is changed. */
export async function closeStatement(input: CloseStatementInput): Promise<CloseStatementResult> {
  const { partnerId, period, by } = checkInput(input)
  const statement = new Closing()
  await hub.periodToClose({ period })
  statement.show(
    await hub.openStatement({ partnerId, period, by: by ?? `workflow:${workflowInfo().workflowId}` }),
  )
  await condition(() => statement.isOver && allHandlersFinished())
  const { statementId, state } = statement.known
  upsertSearchAttributes(searchAttributes({ partnerId, outcome: state }))
  return { statementId, state }
}

/** What is known of a statement while people decide on it. */
class Closing {
  private facts: StatementFacts | undefined

  constructor() {
    setHandler(decideStatementUpdate, (decision) => this.decide(decision), { validator: checkDecision })
    setHandler(payStatementUpdate, (payout) => this.pay(payout), { validator: checkPayout })
  }

  get known(): StatementFacts {
    if (!this.facts) throw new Error('the statement is not open yet')
    return this.facts
  }

  get isOver(): boolean {
    return this.facts !== undefined && !['awaiting_approval', 'approved'].includes(this.facts.state)
  }

  private async decide({ decision, reason, by }: StatementDecision): Promise<CloseStatementResult> {
    await condition(() => this.facts !== undefined)
    const { statementId } = this.known
    return this.show(await hub.decideStatement({ statementId, decision, reason: reason ?? null, by }))
  }

  private async pay({ reference, paidOn, by }: StatementPayout): Promise<CloseStatementResult> {
    await condition(() => this.facts !== undefined)
    const { statementId } = this.known
    return this.show(await hub.payStatement({ statementId, reference, paidOn, by }))
  }

  show(facts: StatementFacts): CloseStatementResult {
    this.facts = facts
    const { statementId, partnerId, partnerName, period, state, totals } = facts
    upsertSearchAttributes(searchAttributes({ partnerId, outcome: state }))
    const amounts = totals.map(
      ({ currency, totalMinor, lineCount, outcome }) =>
        `| ${decimalOf({ amountMinor: totalMinor, currency })} ${currency} | ${lineCount} | ${outcome === 'carried' ? 'carried forward' : 'payable'} |`,
    )
    const asked = {
      awaiting_approval: `Waits for a person:\n\n    tieline statements approve ${statementId}\n    tieline statements reject ${statementId} --reason "…"`,
      approved: `Approved. When it has been paid:\n\n    tieline statements pay ${statementId} --reference "…"`,
    }
    const table =
      amounts.length === 0
        ? 'Nothing is due.'
        : ['| total | lines | |', '|---|---|---|', ...amounts].join('\n')
    setCurrentDetails(
      [
        `**${partnerName}**, ${period}: ${state.replace('_', ' ')}`,
        table,
        state in asked ? asked[state as keyof typeof asked] : '',
        `Statement \`${statementId}\``,
      ]
        .filter((part) => part !== '')
        .join('\n\n'),
    )
    return { statementId, state }
  }
}

function checkInput(input: unknown): CloseStatementInput {
  const example = '{"partnerId": "par_…", "period": "2026-11"}'
  if (typeof input !== 'object' || input === null)
    throw invalidInput(`The input must be one JSON object: ${example}.`)
  const { partnerId, period, by, ...rest } = input as Record<string, unknown>
  const [stranger] = Object.keys(rest)
  if (stranger !== undefined) throw invalidInput(`"${stranger}" is not known. The input is ${example}.`)
  if (!isId('partner', partnerId))
    throw invalidInput(`"partnerId" is missing or not the id of a partner. The input is ${example}.`)
  if (!isPeriod(period)) throw invalidInput(`"period" is missing or not a month. The input is ${example}.`)
  return { partnerId, period, ...(typeof by === 'string' ? { by } : {}) }
}

function checkDecision({ decision, reason, by }: StatementDecision): void {
  if (decision !== 'approve' && decision !== 'reject')
    throw invalidInput('"decision" is "approve" or "reject".')
  if (decision === 'reject' && (typeof reason !== 'string' || reason.trim() === ''))
    throw invalidInput('Who rejects a statement says why: "reason" is missing.')
  if (typeof by !== 'string' || by === '') throw invalidInput('"by" is missing: who decides?')
}

function checkPayout({ reference, paidOn, by }: StatementPayout): void {
  if (typeof reference !== 'string' || reference.trim() === '')
    throw invalidInput('"reference" is missing: what the payment is found by.')
  if (typeof paidOn !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(paidOn) || Number.isNaN(Date.parse(paidOn)))
    throw invalidInput('"paidOn" is a day: 2026-11-30.')
  if (typeof by !== 'string' || by === '') throw invalidInput('"by" is missing: who records it?')
}

/** `{}`, or `{"period": "2026-11"}` by hand. */
export async function closeStatements(input: CloseStatementsInput = {}): Promise<CloseStatementsResult> {
  const { period: wish, continued, ...rest } = input
  const [stranger] = Object.keys(rest)
  if (stranger !== undefined || (wish !== undefined && !isPeriod(wish)))
    throw invalidInput('The input is {} or {"period": "2026-11"}.')
  const period = await hub.periodToClose({ period: wish ?? null })
  const progress = { rated: 0, closed: 0, isRated: false, after: null, ...continued } satisfies Progress
  const state: Progress = progress
  const next = async (): Promise<void> => {
    setCurrentDetails(`**${period}**: ${state.rated} accounts billed, ${state.closed} statements begun.`)
    if (workflowInfo().continueAsNewSuggested)
      await continueAsNew<typeof closeStatements>({ period, continued: state })
  }
  while (!state.isRated) {
    const page = await hub.rateUsage({ period, after: state.after })
    for (const sourceId of page.sources) await beginCommission({ sourceId })
    state.rated += page.sources.length
    state.after = page.next
    state.isRated = page.next === null
    await next()
  }
  for (;;) {
    const page = await hub.listPartnersToClose({ period, after: state.after })
    for (const partnerId of page.partners) await begin(partnerId, period)
    state.closed += page.partners.length
    if (page.next === null) break
    state.after = page.next
    await next()
  }
  return { period, rated: state.rated, closed: state.closed }
}

type Progress = {
  -readonly [K in keyof NonNullable<CloseStatementsInput['continued']>]: NonNullable<
    CloseStatementsInput['continued']
  >[K]
}

async function begin(partnerId: string, period: string): Promise<void> {
  try {
    await startChild(closeStatement, {
      workflowId: workflowIds.closeStatement(partnerId, period),
      args: [{ partnerId, period }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      typedSearchAttributes: searchAttributes({ partnerId }),
      staticSummary: `Statement of ${period}`,
    })
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
  }
}
