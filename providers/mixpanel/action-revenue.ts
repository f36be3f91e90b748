/** Revenue on a profile: Mixpanel appends without looking, so what is there is looked at first. */
import { timeOf, timeText } from '../../model/times.ts'
import { HubError } from '../../platform/errors.ts'
import type { Action, ProviderContext } from '../contract.ts'
import { insertIdOf, objectSchema, optionalNumber, requireText, text } from './action-input.ts'
import { fieldsIn, isFields } from './answer.ts'
import { projectToken } from './call.ts'
import { readEngage } from './engage.ts'
import { refusalError, sendUpdates, updateOf } from './profile-write.ts'

/** Property of a transaction by which our own is known again. */
const keyProperty = 'tieline_key'

async function isThere(context: ProviderContext, profileId: string, key: string): Promise<boolean> {
  const { rows } = await readEngage(context, { distinct_id: profileId }, undefined)
  return rows.some((row) => {
    const transactions = fieldsIn(row, '$properties')['$transactions']
    const list: readonly unknown[] = Array.isArray(transactions) ? transactions : []
    return list.some((one) => isFields(one) && one[keyProperty] === key)
  })
}

export const appendRevenue: Action = {
  name: 'append_revenue',
  title: 'Append revenue',
  description:
    'Adds a payment to a profile’s revenue, once: before, the profile is read, which costs one query of the hour’s 60.',
  input: objectSchema(
    {
      profileId: text(255),
      amount: { type: 'number', description: 'Below zero for a refund; in the project’s one currency' },
      time: { type: 'string', format: 'date-time' },
    },
    ['profileId', 'amount', 'time'],
    [{ profileId: 'user-4711', amount: 29.99, time: '2026-11-01T10:00:00Z' }],
  ),
  output: objectSchema(
    { appended: { type: 'boolean', description: 'False when an earlier try had done it' } },
    ['appended'],
  ),
  async run(context, input, idempotencyKey) {
    const profileId = requireText(input, 'profileId')
    const token = projectToken(context.settings)
    const time = timeText(timeOf(requireText(input, 'time')))
    const amount = optionalNumber(input, 'amount')
    if (time === undefined || amount === undefined)
      throw new HubError('InvalidInput', 'Revenue needs an amount and a time')
    const key = insertIdOf('revenue', idempotencyKey)
    if (await isThere(context, profileId, key)) return { appended: false }
    const transaction = { $amount: amount, $time: time, [keyProperty]: key }
    const update = updateOf(token, profileId, { $append: { $transactions: transaction } })
    const [refusal] = await sendUpdates(context, '/engage', [update], false)
    if (refusal) throw refusalError(refusal)
    return { appended: true }
  },
}
