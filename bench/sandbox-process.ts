/** The sandbox as a process of its own, so that a bench does not measure it in its own event loop. Options as JSON in argv. */
import { startSandbox, type SandboxOptions } from '../sandbox/server.ts'

const sandbox = await startSandbox(JSON.parse(process.argv[2] ?? '{}') as SandboxOptions)
process.send?.({ url: sandbox.url, originMap: sandbox.originMap })
process.on('disconnect', () => process.exit(0))
