import type { Log } from './log.ts'

type Closer = readonly [name: string, close: () => Promise<unknown>]

/**
 * Ends a process in order: what was opened last is closed first. `stop` may be called many times (a second Ctrl-C); the
 * work is done once. Each closer gets `graceMs`; one that hangs is named in the log and passed over.
 */
export interface Stopper {
  readonly signal: AbortSignal
  onStop(name: string, close: () => Promise<unknown>): void
  stop(reason: string): Promise<void>
}

export function createStopper(log: Log, graceMs = 15_000): Stopper {
  const closers: Closer[] = []
  const controller = new AbortController()
  let stopping: Promise<void> | undefined

  const closeAll = async (reason: string): Promise<void> => {
    log.info({ reason }, 'stopping')
    controller.abort(new Error(`stopping: ${reason}`))
    for (const [name, close] of closers.reverse()) {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<'late'>((resolve) => {
        timer = setTimeout(() => resolve('late'), graceMs)
      })
      try {
        if ((await Promise.race([close(), late])) === 'late')
          log.warn({ closing: name, graceMs }, 'did not stop in time')
      } catch (err) {
        log.warn({ err, closing: name }, 'failed while stopping')
      } finally {
        clearTimeout(timer)
      }
    }
  }

  return {
    signal: controller.signal,
    onStop: (name, close) => void closers.push([name, close]),
    stop: (reason) => (stopping ??= closeAll(reason)),
  }
}

/** Stops on SIGINT and SIGTERM, and when the parent process that started this one over IPC is gone. */
export function stopOnSignals(stopper: Stopper): void {
  const end = (reason: string) => {
    void stopper.stop(reason).then(() => process.exit(0))
  }
  process.on('SIGINT', () => end('SIGINT'))
  process.on('SIGTERM', () => end('SIGTERM'))
  if (process.channel) process.on('disconnect', () => end('the parent process is gone'))
}
