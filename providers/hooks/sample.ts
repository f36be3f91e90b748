/** What samples share. */
import type { HookSampleSpec } from '../contract-webhook.ts'
import { HubError } from '../../platform/errors.ts'

/** The sample of this name. @throws HubError `InvalidInput`. */
export function sampleNamed(samples: readonly HookSampleSpec[], event: string): HookSampleSpec {
  const found = samples.find((one) => one.event === event)
  if (found) return found
  throw new HubError(
    'InvalidInput',
    `There is no sample of "${event}". There are: ${samples.map((one) => one.event).join(', ')}.`,
  )
}

/** For each resource one sample of each effect: `invoice.created`, … @param named event name by resource. */
export const samplesOf = (
  named: Readonly<Record<string, string>>,
  effects: readonly NonNullable<HookSampleSpec['effect']>[] = ['created', 'updated', 'deleted'],
): HookSampleSpec[] =>
  Object.entries(named).flatMap(([name, resource]) =>
    effects.map((effect) => ({ event: `${name}.${effect}`, title: `${name} ${effect}`, resource, effect })),
  )
