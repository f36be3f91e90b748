/** Looks at the way to a host, layer by layer: its name, a connection, a certificate. Nothing is sent but what TLS needs. */
import { lookup } from 'node:dns/promises'
import { connect as connectPlain, isIP } from 'node:net'
import { connect as connectSecure } from 'node:tls'
import { request } from 'undici'

export interface Place {
  readonly host: string
  readonly port: number
}

export const placeOf = ({ hostname, port, protocol }: URL): Place => ({
  // IPv6 comes in brackets.
  host: hostname.replace(/^\[|\]$/g, ''),
  port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
})

const connectMs = 10_000

/** As every call resolves it: by the system. @throws NodeJS.ErrnoException `ENOTFOUND`, `EAI_AGAIN`. */
export async function addressesOf(host: string): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host]
  return (await lookup(host, { all: true })).map(({ address }) => address)
}

export interface Certificate {
  readonly protocol: string
  readonly issuer: string
  readonly validTo: Date
}

/** @throws NodeJS.ErrnoException with what is wrong with the way (`ECONNREFUSED`, `ETIMEDOUT`) or the certificate. */
export function lookAtCertificate({ host, port }: Place, signal: AbortSignal): Promise<Certificate> {
  return new Promise((resolve, reject) => {
    const socket = connectSecure({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}) })
    const end = ending(socket, signal, reject)
    socket.once('secureConnect', () => {
      const { issuer, valid_to: validTo } = socket.getPeerCertificate()
      // A socket that was destroyed does not know it any more.
      const protocol = socket.getProtocol() ?? 'TLS'
      end()
      resolve({
        protocol,
        issuer: [issuer.O ?? issuer.CN].flat().join(', '),
        validTo: new Date(validTo),
      })
    })
  })
}

/** @throws NodeJS.ErrnoException when nobody takes the connection. */
export function tryConnecting({ host, port }: Place, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connectPlain({ host, port })
    const end = ending(socket, signal, reject)
    socket.once('connect', () => {
      end()
      resolve()
    })
  })
}

/** Ends the attempt when it fails, takes too long or is called off; what is answered ends it for good. */
function ending(
  socket: ReturnType<typeof connectPlain>,
  signal: AbortSignal,
  reject: (error: Error) => void,
): () => void {
  const late = Object.assign(new Error('nobody answered in time'), { code: 'ETIMEDOUT' })
  const timer = setTimeout(() => fail(late), connectMs)
  const cancelled = (): void => fail(signal.reason instanceof Error ? signal.reason : new Error('cancelled'))
  const end = (): void => {
    clearTimeout(timer)
    signal.removeEventListener('abort', cancelled)
    socket.destroy()
  }
  const fail = (error: Error): void => {
    end()
    reject(error)
  }
  signal.addEventListener('abort', cancelled)
  // Stays: what a destroyed socket may still say has nobody else to hear it.
  socket.on('error', fail)
  return end
}

/** Posts to the hub's own public address. @throws what the network says when there is no answer. */
export async function postToHub(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly body: string }> {
  const answer = await request(url, {
    method: 'POST',
    headers: { ...headers },
    body,
    headersTimeout: connectMs,
    bodyTimeout: connectMs,
    signal,
  })
  return { status: answer.statusCode, body: (await answer.body.text()).slice(0, 16_384) }
}
