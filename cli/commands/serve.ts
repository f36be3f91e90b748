/** `tieline serve`: one part of the hub in this process, against external services. */
import { readServiceConfig } from '../../platform/config.ts'
import { CliError, type ExitCode } from '../cli-error.ts'
import { nearest } from '../print.ts'

const parts = ['api', 'worker', 'sandbox']

/** Runs until it is told to stop. A setting that is wrong ends it with one line and exit code 2. */
export async function serve(part: string): Promise<ExitCode> {
  if (part === 'api') await (await import('../../api/main.ts')).runApi(readServiceConfig())
  else if (part === 'worker') await (await import('../../workers/main.ts')).serveWorker()
  else if (part === 'sandbox') {
    await import('../../sandbox/main.ts')
    await new Promise(() => undefined)
  } else {
    const meant = nearest(part, parts)
    throw new CliError(
      `There is no part "${part}". ${meant === undefined ? '' : `Did you mean "${meant}"? `}Parts: ${parts.join(', ')}.`,
      2,
    )
  }
  return 0
}
