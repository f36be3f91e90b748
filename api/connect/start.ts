/** Starts the workflow that tests and keeps what a person has entered or approved. */
import type { ConnectSession } from '../../db/connect-sessions.ts'
import { isHubError } from '../../platform/errors.ts'
import type { ApiDeps } from '../deps.ts'

/** The row is the truth: while Temporal does not answer it waits, and whoever looks at the page tries again. Repeatable. */
export async function start(deps: ApiDeps, session: ConnectSession): Promise<void> {
  try {
    await deps.temporal.startConnectAccount(session)
  } catch (error) {
    if (!isHubError(error, 'TemporalUnavailable')) throw error
    deps.log.warn({ sessionId: session.sessionId }, 'a connect session waits for Temporal')
  }
}
