/**
 * `postCommission`: one source of commission from its posting to the moment when nothing can be refunded any more. One workflow per
 * source, keyed by its id; what it posts is posted once, whatever is repeated or dies.
 */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common'
import {
  ParentClosePolicy,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  sleep,
  startChild,
  upsertSearchAttributes,
} from '@temporalio/workflow'
import type { PostedSource } from '../activities/commissions.ts'
import type { Activities } from '../activities/index.ts'
import { failureNote } from './failure-note.ts'
import { workflowIds, type PostCommissionInput, type PostCommissionResult } from './messages.ts'
import { retry } from './retry.ts'
import { searchAttributes } from './search-attributes.ts'
import { checkIdInput } from './validate.ts'

const hub = proxyActivities<Activities>({ startToCloseTimeout: '1 minute', retry: retry.database })

export async function postCommission(input: PostCommissionInput): Promise<PostCommissionResult> {
  const sourceId = checkIdInput(input, 'sourceId', 'commissionSource')
  const posted = await post(sourceId)
  const { partnerId, accountId, state } = posted
  upsertSearchAttributes(searchAttributes({ partnerId, accountId, outcome: state }))
  show(posted, posted.releaseAt === null ? '' : `Held until ${posted.releaseAt}.`)
  if (posted.releaseAt === null) return { sourceId, state, released: 0 }
  const waitMs = Date.parse(posted.releaseAt) - Date.now()
  if (waitMs > 0) await sleep(waitMs, { summary: 'Refund window' })
  const { lines } = await hub.releaseCommissionSource({ sourceId })
  show(posted, `Due: ${lines} lines.`)
  return { sourceId, state, released: lines }
}

/** What no repetition mends is put aside, so that the dispatcher does not begin it again and again. */
async function post(sourceId: string): Promise<PostedSource> {
  try {
    return await hub.postCommissionSource({ sourceId })
  } catch (error) {
    const failure = failureNote(error)
    if (failure && !isCancellation(error))
      await hub.failCommissionSource({ sourceId, reason: `${failure.code}: ${failure.message}` })
    throw error
  }
}

function show({ sourceId, kind, document, state, reason }: PostedSource, more: string): void {
  setCurrentDetails(
    [
      `**${kind}** \`${document}\``,
      [state, reason].filter(Boolean).join(': '),
      more,
      `Source \`${sourceId}\``,
    ]
      .filter((part) => part !== '')
      .join('\n\n'),
  )
}

/** Starts the workflow of a source; one that is under way is left alone. */
export async function beginCommission(source: {
  readonly sourceId: string
  readonly partnerId?: string
  readonly accountId?: string
}): Promise<void> {
  const { sourceId, partnerId, accountId } = source
  try {
    await startChild(postCommission, {
      workflowId: workflowIds.postCommission(sourceId),
      args: [{ sourceId }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      typedSearchAttributes: searchAttributes({ partnerId, accountId }),
      staticSummary: 'Commission of one source',
    })
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
    // It is being started, and has not said so yet.
    await sleep('1 second')
  }
}
