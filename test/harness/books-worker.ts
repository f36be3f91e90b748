/** A worker process that knows Tinybooks and can be killed. Settings come as for any worker. */
import { NativeConnection } from '@temporalio/worker'
import { readServiceConfig } from '../../platform/config.ts'
import { createLog } from '../../platform/log.ts'
import { parseKeyRing } from '../../platform/secrets/keyring.ts'
import { workflowBundle } from '../../workers/bundle.ts'
import { createWorkerDeps } from '../../workers/deps.ts'
import { temporalLogger } from '../../workers/runtime-log.ts'
import { createWorkers } from '../../workers/workers.ts'
import { tinybooks } from './oauth-provider.ts'
import { installTestRuntime } from './worker.ts'

const config = readServiceConfig()
const log = createLog('books-worker', config.logLevel)
installTestRuntime(log)
const deps = {
  ...createWorkerDeps(config, log, process.env),
  findProvider: (slug: string) => (slug === tinybooks.slug ? tinybooks : undefined),
  providerSlugs: [tinybooks.slug],
}
const workers = await createWorkers({
  connection: await NativeConnection.connect({ address: config.temporal.address }),
  namespace: config.temporal.namespace,
  ring: parseKeyRing(config.encryptionKeys),
  deps,
  bundle: await workflowBundle({ logger: temporalLogger(log) }),
  identity: `books-worker-${process.pid}`,
})
process.send?.({ ready: true })
// Its only end is a kill, or that of the test that started it.
process.on('disconnect', () => process.exit(0))
await workers.run()
