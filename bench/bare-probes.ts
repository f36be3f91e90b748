/** The same probes without a hub: so many at once, nothing written down. A process of its own. Options as JSON in argv. */
interface Wish {
  /** Of one probe, in order. */
  readonly urls: readonly string[]
  readonly probes: number
  readonly parallel: number
  readonly headers: Readonly<Record<string, string>>
}

const { urls, probes, parallel, headers } = JSON.parse(process.argv[2] ?? '{}') as Wish
let next = 0
let failed = 0
const began = performance.now()
await Promise.all(
  Array.from({ length: parallel }, async () => {
    while (next < probes) {
      next++
      for (const url of urls) {
        const answer = await fetch(url, { headers })
        if (!answer.ok) failed++
        await answer.arrayBuffer()
      }
    }
  }),
)
process.send?.({ seconds: (performance.now() - began) / 1000, failed })
process.disconnect()
