/** A process with many callers of one credential. Told what to do by its parent, to whom it tells what they got. */
import { currentCredential } from '../../activities/custodian.ts'
import type { Ward } from '../../activities/custodian-ward.ts'
import { systemClock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/errors.ts'
import type { OAuth2Auth } from '../../providers/contract.ts'
import { custodianDeps, type BenchOptions } from '../harness/custodian-bench.ts'
import { methodThat } from '../harness/token-endpoint.ts'

export interface Orders extends Omit<BenchOptions, 'clock'> {
  readonly ward: Omit<Ward, 'method'>
  readonly refresh: OAuth2Auth['refresh']
  readonly callers: number
}

export interface Told {
  /** How many callers got which access token. */
  readonly tokens: Readonly<Record<string, number>>
  readonly errors: readonly string[]
}

process.on('message', (orders: Orders) => {
  void work(orders).then((told) => process.send?.(told, () => process.disconnect()))
})
process.send?.('ready')

async function work(orders: Orders): Promise<Told> {
  const deps = custodianDeps({ ...orders, clock: systemClock })
  const ward = { ...orders.ward, method: methodThat(orders.refresh) }
  const tokens: Record<string, number> = {}
  const errors: string[] = []
  await Promise.all(
    Array.from({ length: orders.callers }, async () => {
      try {
        const { secrets } = await currentCredential(deps, ward)
        const token = secrets['access_token'] ?? ''
        tokens[token] = (tokens[token] ?? 0) + 1
      } catch (error) {
        errors.push(messageOf(error))
      }
    }),
  )
  await deps.database.close()
  return { tokens, errors }
}
