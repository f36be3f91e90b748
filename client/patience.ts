/** A fetch that waits as long as the hub says, and asks again. */

export interface Patience {
  /** How often a request is repeated at most; 4 when left out. */
  readonly retries: number
  /** Who would have to wait longer is given the answer as it is; a minute when left out. */
  readonly longestWaitMs: number
  /** Waits; a test has its own. */
  readonly sleep: (ms: number, signal: AbortSignal | null) => Promise<void>
}

/** Requests that do no more when they are made twice. */
const isRepeatable = (request: Request): boolean =>
  request.method !== 'POST' || request.headers.has('Idempotency-Key')

export function patientFetch(
  fetch: typeof globalThis.fetch,
  { retries = 4, longestWaitMs = 60_000, sleep = delay }: Partial<Patience>,
): (request: Request) => Promise<Response> {
  return async (request) => {
    for (let left = retries; ; left--) {
      const answer = await fetch(left > 0 ? request.clone() : request)
      const waitMs = waitOf(answer)
      if (left === 0 || waitMs === undefined || waitMs > longestWaitMs || !isRepeatable(request))
        return answer
      await answer.body?.cancel()
      await sleep(waitMs, request.signal)
    }
  }
}

/** What `Retry-After` (RFC 9110 §10.2.3) asks for; undefined where a repetition is of no use. */
function waitOf({ status, headers }: Response): number | undefined {
  if (status !== 429 && status !== 503) return undefined
  const text = headers.get('Retry-After')?.trim() ?? ''
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now())
}

async function delay(ms: number, signal: AbortSignal | null): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(signal?.reason as Error)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    if (signal?.aborted) stop()
    else signal?.addEventListener('abort', stop, { once: true })
  })
}
