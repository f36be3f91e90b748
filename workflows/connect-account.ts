/**
 * Connects an account: the person has entered the fields or approved at the provider, and what came of it lies sealed in the
 * session's row. Exchanges the code, tests, keeps the connection, starts its schedule. A failure ends this attempt with a
 * reason that the page shows; the person may try again, which starts this workflow anew.
 */
import {
  CancellationScope,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import type { ConnectFacts } from '../activities/connect-account.ts'
import type { Activities } from '../activities/index.ts'
import type { FailureNote } from '../model/failures.ts'
import { failureNote } from './failure-note.ts'
import { temporalPriority, type ConnectAccountInput, type ConnectAccountResult } from './messages.ts'
import { retry, times } from './retry.ts'
import { searchAttributes } from './search-attributes.ts'
import { checkIdInput } from './validate.ts'

const { describeConnectSession, keepConnection, scheduleConnection, endConnectAttempt } =
  proxyActivities<Activities>({ startToCloseTimeout: '30 seconds', retry: retry.database })

/** Started by the connect page; `{"sessionId": "ses_…"}` by hand takes up a session that was left while testing. */
export async function connectAccount(input: ConnectAccountInput): Promise<ConnectAccountResult> {
  const sessionId = checkIdInput(input, 'sessionId', 'session')
  const facts = await describeConnectSession({ sessionId })
  upsertSearchAttributes(searchAttributes(facts))
  if (facts.state !== 'testing') return { sessionId, state: facts.state }
  show(facts, 'testing')
  try {
    const connectionId = await connect(facts)
    upsertSearchAttributes(searchAttributes({ connectionId, outcome: 'succeeded' }))
    await scheduleConnection({ connectionId })
    show(facts, 'done', `Connection \`${connectionId}\``)
    return { sessionId, state: 'done', connectionId }
  } catch (error) {
    const failure = isCancellation(error) ? cancelled : failureNote(error)
    if (!failure) throw error
    await CancellationScope.nonCancellable(() =>
      endConnectAttempt({ sessionId, attempt: facts.attempt, failure }),
    )
    upsertSearchAttributes(searchAttributes({ outcome: 'failed' }))
    show(facts, 'failed', `${failure.code}: ${failure.message}`)
    if (isCancellation(error)) throw error
    return { sessionId, state: 'failed', failure }
  }
}

const cancelled: FailureNote = { code: 'Superseded', message: 'The test was cancelled. Try again.' }

async function connect(facts: ConnectFacts): Promise<string> {
  const { sessionId } = facts
  const { exchangeConsent, proveAccount } = proxyActivities<Activities>({
    ...times.connect,
    taskQueue: `${workflowInfo().taskQueue}-${facts.provider}`,
    retry: retry.check,
    priority: { priorityKey: temporalPriority.interactive, fairnessKey: facts.partnerId },
    summary: `Ask ${facts.providerName}`,
  })
  if (facts.kind === 'oauth2') await exchangeConsent({ sessionId })
  await proveAccount({ sessionId })
  const { connectionId } = await keepConnection({ sessionId })
  return connectionId
}

function show(facts: ConnectFacts, state: string, more?: string): void {
  const what = facts.isReconnection ? 'connects again' : 'connects'
  const lines = [
    `**${facts.providerName}** — ${state}`,
    `\`${facts.accountId}\` ${what}; attempt ${facts.attempt} of \`${facts.sessionId}\`. What was entered is kept sealed by the hub.`,
    ...(more === undefined ? [] : [more]),
  ]
  setCurrentDetails(lines.join('\n\n'))
}
