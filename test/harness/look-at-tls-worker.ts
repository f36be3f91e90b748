/** Looks at the encryption of the URLs given, as a worker does that was started with this environment (NODE_EXTRA_CA_CERTS counts from the start alone). */
import { lookAtEncryption } from '../../activities/diagnosis-network.ts'

const [now = '', ...urls] = process.argv.slice(2)
const findings = []
for (const url of urls)
  findings.push(
    await lookAtEncryption(
      { url: new URL(url), redirectedFrom: undefined },
      new Date(now),
      AbortSignal.timeout(20_000),
    ),
  )
process.stdout.write(JSON.stringify(findings))
