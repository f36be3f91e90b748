/**
 * A domain of a partner: its proof is looked for until it is found or three days have passed; then once a day whether it still stands. Ends with a
 * domain that is removed or has failed. `wake`: look now.
 */
import {
  condition,
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import type { DomainLook } from '../activities/brand-domains.ts'
import type { Activities } from '../activities/index.ts'
import { wakeSignal, type VerifyDomainInput } from './messages.ts'
import { retry } from './retry.ts'
import { checkIdInput } from './validate.ts'

const { lookAtDomain } = proxyActivities<Activities>({
  startToCloseTimeout: '1 minute',
  retry: { ...retry.persistent, maximumInterval: '10 minutes' },
})

export async function verifyDomain(
  input: VerifyDomainInput,
): Promise<Pick<DomainLook, 'state' | 'reason'> | null> {
  const domainId = checkIdInput(input, 'domainId', 'brandDomain')
  let isWoken = false
  setHandler(wakeSignal, () => {
    isWoken = true
  })
  for (;;) {
    isWoken = false
    const look = await lookAtDomain({ domainId })
    if (!look) return null
    const { domain, state, reason, againInMs } = look
    setCurrentDetails(`**${domain}** is ${state}.${reason === null ? '' : ` ${reason}`}`)
    // Woken after it had been given up: somebody has asked for it again.
    if (againInMs === null && !isWoken) return { state, reason }
    if (againInMs !== null) await condition(() => isWoken, againInMs)
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof verifyDomain>({ domainId })
  }
}
