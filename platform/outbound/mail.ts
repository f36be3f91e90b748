/**
 * Sends mail. One connection a message: alerts are few, and a pool would keep sockets open for nothing. A server that somebody has given
 * for a channel is reached under the same rules as any other URL of theirs; the hub's own is the operator's and may be anywhere.
 */
import { lookup } from 'node:dns/promises'
import { connect, isIP, type Socket } from 'node:net'
import nodemailer from 'nodemailer'
import { messageOf } from '../errors.ts'
import { isForbidden } from './addresses.ts'

export interface Mail {
  readonly from: string
  readonly to: readonly string[]
  readonly subject: string
  readonly text: string
  readonly html: string
  /** Without angle brackets; the same conversation has the same. */
  readonly thread: string
  /** Of this message. */
  readonly id: string
}

export interface MailServer {
  readonly url: string
  /** Given by somebody outside: no private address is connected to. */
  readonly isForeign: boolean
}

export interface MailAnswer {
  /** Null: it was taken. */
  readonly error: string | null
  /** The server has said no for good: to wait is of no use. */
  readonly isRefused: boolean
}

export interface Mailer {
  send(server: MailServer, mail: Mail): Promise<MailAnswer>
}

const connectMs = 8_000
const wholeMs = 25_000

export function createMailer(options: { readonly allowLoopback: boolean }): Mailer {
  return { send: (server, mail) => send(options, server, mail) }
}

async function send(
  options: { readonly allowLoopback: boolean },
  server: MailServer,
  mail: Mail,
): Promise<MailAnswer> {
  let socket: Socket | undefined
  const url = new URL(server.url)
  try {
    if (server.isForeign) socket = await guardedSocket(url, options)
    const transport = nodemailer.createTransport({
      ...{ host: url.hostname, port: portOf(url), secure: url.protocol === 'smtps:' },
      ...(url.username === ''
        ? {}
        : { auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) } }),
      ...(url.searchParams.get('starttls') === 'required' ? { requireTLS: true } : {}),
      ...(socket ? { connection: socket } : {}),
      ...{
        connectionTimeout: connectMs,
        greetingTimeout: connectMs,
        socketTimeout: wholeMs,
        dnsTimeout: connectMs,
      },
      // What a message holds is ours: it must not read files or fetch URLs on its way.
      ...{ disableFileAccess: true, disableUrlAccess: true },
    })
    try {
      await transport.sendMail({
        ...{ from: mail.from, to: [...mail.to], subject: mail.subject, text: mail.text, html: mail.html },
        ...{ messageId: `<${mail.id}>`, references: [`<${mail.thread}>`], inReplyTo: `<${mail.thread}>` },
        headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
      })
    } finally {
      transport.close()
    }
    return { error: null, isRefused: false }
  } catch (error) {
    return fault(error)
  } finally {
    socket?.destroy()
  }
}

const portOf = (url: URL): number =>
  url.port === '' ? (url.protocol === 'smtps:' ? 465 : 587) : Number(url.port)

/** The very address that was checked is connected to. */
async function guardedSocket(url: URL, options: { readonly allowLoopback: boolean }): Promise<Socket> {
  const bare = url.hostname.replace(/^\[|\]$/g, '')
  const addresses = isIP(bare) ? [{ address: bare }] : await lookup(bare, { all: true })
  const [first] = addresses
  if (!first || addresses.some(({ address }) => isForbidden(address, options)))
    throw new Error('The mail server leads to a private or reserved address.')
  return await new Promise((resolve, reject) => {
    const socket = connect({ host: first.address, port: portOf(url), timeout: connectMs })
    socket.once('connect', () => resolve(socket.setTimeout(0)))
    socket.once('timeout', () =>
      socket.destroy(new Error('The mail server could not be connected to in time.')),
    )
    socket.once('error', reject)
  })
}

const told: Readonly<Record<string, string>> = {
  EAUTH: 'The mail server refused the user name or password.',
  EDNS: 'The name of the mail server is not known.',
  ENOTFOUND: 'The name of the mail server is not known.',
  ECONNECTION: 'The mail server could not be connected to.',
  ECONNREFUSED: 'The mail server refused the connection.',
  ESOCKET: 'The connection to the mail server was broken or refused.',
  ETIMEDOUT: 'The mail server did not answer in time.',
  ETLS: 'The mail server offers no encryption that can be used.',
}

/** For people; no address of a receiver: what the server says may hold one. */
function fault(error: unknown): MailAnswer {
  const { code, responseCode } = error as { code?: string; responseCode?: number }
  const isRefused = responseCode !== undefined && responseCode >= 500
  const answered = responseCode === undefined ? '' : ` It answered ${responseCode}.`
  const known =
    told[code ?? ''] ??
    (responseCode === undefined
      ? messageOf(error).slice(0, 200)
      : 'The mail server did not take the message.')
  return { error: `${known}${answered}`, isRefused }
}
