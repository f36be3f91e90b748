/** The activities of syncs: each thin, repeatable, and with its truth in Postgres. */
import type { ActivityDeps } from './deps.ts'
import { failing } from './failure.ts'
import { abandonRun, closeRun, noteRunState } from './sync-close.ts'
import { failResource, finishResource } from './sync-finish.ts'
import { findConnections, openRun } from './sync-open.ts'
import { syncSlice } from './sync-slice.ts'

export function createSyncActivities(deps: ActivityDeps) {
  const bind = <I, O>(work: (deps: ActivityDeps, input: I) => Promise<O>) =>
    failing((input: I) => work(deps, input))
  return {
    openRun: bind(openRun),
    abandonRun: bind(abandonRun),
    findConnections: bind(findConnections),
    syncSlice: bind(syncSlice),
    finishResource: bind(finishResource),
    failResource: bind(failResource),
    noteRunState: bind(noteRunState),
    closeRun: bind(closeRun),
  }
}
