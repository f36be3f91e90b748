/** The sandbox as a process of its own. */
import { readConfig } from '../platform/config.ts'
import { createLog } from '../platform/log.ts'
import { createStopper, stopOnSignals } from '../platform/stop.ts'
import { startSandbox } from './server.ts'

const config = readConfig()
const log = createLog('sandbox', config.logLevel)
const stopper = createStopper(log)
stopOnSignals(stopper)
const sandbox = await startSandbox({ port: config.sandboxPort, home: config.home })
stopper.onStop('sandbox', () => sandbox.close())
log.info({ url: sandbox.url }, 'the sandbox is ready')
process.send?.({ ready: true })
