/** A mail server on this machine that keeps what it is given. */
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'

export interface MailSink {
  readonly url: string
  /** Whole messages, headers and all, oldest first. */
  readonly mails: readonly ReceivedMail[]
  /** Refuses everything from now on with this code; takes it again with none. */
  refuse(code?: number): void
  close(): Promise<void>
}

export interface ReceivedMail {
  readonly to: readonly string[]
  readonly subject: string
  /** Decoded from quoted-printable. */
  readonly raw: string
}

const decoded = (text: string): string =>
  text
    .replace(/=\r?\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)))

const subjectIn = (raw: string): string =>
  (/^Subject: (.*(?:\r?\n[ \t].*)*)/m.exec(raw)?.[1] ?? '').replace(/\r?\n[ \t]/g, ' ')

export async function startMailSink(): Promise<MailSink> {
  const mails: ReceivedMail[] = []
  let code: number | undefined
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    logger: false,
    onData: (stream, session, done) => {
      const parts: Buffer[] = []
      stream.on('data', (part: Buffer) => parts.push(part))
      stream.on('end', () => {
        if (code !== undefined) {
          done(Object.assign(new Error('not now'), { responseCode: code }))
          return
        }
        const raw = Buffer.concat(parts).toString('utf8')
        mails.push({
          to: session.envelope.rcptTo.map(({ address }) => address),
          subject: subjectIn(raw),
          raw: decoded(raw),
        })
        done()
      })
    },
  })
  server.on('error', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.server.address() as AddressInfo
  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    refuse: (next) => void (code = next),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
