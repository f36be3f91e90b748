/** A server on localhost that shows one of the certificates beside, whatever they are worth. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import path from 'node:path'

export const certificates = path.join(import.meta.dirname, 'certificates')

export interface SecureServer {
  readonly url: string
  close(): Promise<void>
}

/** @param certificate name of a file in `test/harness/certificates`, without its ending. */
export async function startSecureServer(certificate: string): Promise<SecureServer> {
  const pem = readFileSync(path.join(certificates, `${certificate}.pem`))
  const server = createServer({ key: pem, cert: pem }, (_request, response) => response.end())
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  const address = server.address()
  return {
    url: `https://localhost:${typeof address === 'object' ? address?.port : 0}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
