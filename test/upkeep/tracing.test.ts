/** One trace from the request to the call of the provider, and nothing in it that must not leave the process. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startTracing } from '../../platform/tracing.ts'
import { startTestApi, until } from '../harness/api.ts'

interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly attributes: { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[]
}

/** Takes OTLP over HTTP as JSON. */
async function startCollector() {
  const spans: Span[] = []
  const bodies: string[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      bodies.push(body)
      const { resourceSpans } = JSON.parse(body) as {
        resourceSpans: { scopeSpans: { spans: Span[] }[] }[]
      }
      spans.push(...resourceSpans.flatMap((one) => one.scopeSpans.flatMap((scope) => scope.spans)))
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = () =>
    new Promise((resolve) => {
      server.close(resolve)
      server.closeAllConnections()
    })
  return { url, spans, bodies, close }
}

describe('a trace', () => {
  it('holds request, workflow, activity and call of the provider, each below the other, without secrets or values', async () => {
    const collector = await startCollector()
    const tracing = await startTracing('tieline-test', collector.url)
    const api = await startTestApi({ tracing })
    try {
      const { connectionId } = await api.connect()
      const traceId = '0af7651916cd43dd8448eb211c80319c'
      const answer = await api.request('POST', `/admin/v1/connections/${connectionId}/test`, {
        headers: { traceparent: `00-${traceId}-b7ad6b7169203331-01` },
      })
      expect(answer.status).toBe(200)
      const own = () => collector.spans.filter((span) => span.traceId === traceId)
      await until(
        () => Promise.resolve(own()),
        (spans) =>
          spans.some(({ name }) => name.startsWith('call ')) &&
          spans.some(({ name }) => name.startsWith('POST ')),
      )
      const call = own().find(({ name }) => name.startsWith('call '))
      const chain: string[] = []
      for (let at = call; at; at = own().find(({ spanId }) => spanId === at?.parentSpanId))
        chain.push(at.name)
      expect(chain[0]).toMatch(/^call [a-z-]+$/)
      expect(chain.at(-1)).toBe('POST /admin/v1/connections/{connectionId}/test')
      expect(chain).toContain('RunActivity:runHealthCheck')
      expect(chain).toContain('RunWorkflow:checkConnection')
      const names = new Set(collector.spans.flatMap(({ attributes }) => attributes.map(({ key }) => key)))
      for (const name of names)
        expect(name).toMatch(
          /^(http\.(request\.method|response\.status_code|route)|run_id|temporal(Activity|Workflow)Id|tieline\.\w+)$/,
        )
      expect(collector.bodies.join('')).not.toMatch(/admin-token-of|Bearer|stack|exception/)
    } finally {
      await api.close()
      await tracing.close()
      await collector.close()
    }
  }, 120_000)
})
