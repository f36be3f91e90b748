/** Serves the process's metrics in Prometheus's text form at /metrics. A worker has no other door. */
import { createServer } from 'node:http'
import { HubError, messageOf } from '../platform/errors.ts'
import type { Metrics } from '../platform/metrics.ts'

/** @throws HubError `StateConflict` with one line that names the variable when the port is taken. */
export async function serveMetrics(
  { registry }: Pick<Metrics, 'registry'>,
  port: number,
  host: string,
): Promise<{ close(): Promise<void> }> {
  const server = createServer((request, response) => {
    if (request.url !== '/metrics') {
      response.writeHead(404).end()
      return
    }
    registry.metrics().then(
      (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
      () => response.writeHead(500).end(),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new HubError(
          'StateConflict',
          `TIELINE_WORKER_METRICS_PORT: port ${port} cannot be used: ${messageOf(cause)}.`,
          { cause },
        ),
      ),
    )
    server.listen(port, host, resolve)
  })
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
