/** Runs that wait for their partner's quota of records go on at once when limits change, not only when they look again. */
import { heldConnections } from '../db/runs.ts'
import type { ApiDeps } from './deps.ts'

/** The rest look again by themselves within minutes. */
const mostWoken = 200

/** Never fails: a wake that is lost is made good by the run's own timer. Whoever has nothing left still waits on. */
export async function wakeHeldRuns(
  { hubDatabase, temporal, log }: Pick<ApiDeps, 'hubDatabase' | 'temporal' | 'log'>,
  of: { readonly partnerId: string } | { readonly tier: string },
): Promise<void> {
  const lost = (err: unknown): void => log.info({ err, ...of }, 'a held run was not woken')
  try {
    for (const connectionId of await heldConnections(hubDatabase.db, of, mostWoken))
      await temporal.resume(connectionId).catch(lost)
  } catch (err) {
    lost(err)
  }
}
