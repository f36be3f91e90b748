/** `tieline connect`: a link for the person who connects an account; waits for the end when it is told to. */
import { spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { CliError, type ExitCode } from '../cli-error.ts'
import { need, openApi, type Api, type GlobalOptions, type Schemas } from '../client.ts'
import type { Out } from '../print.ts'

type Session = Schemas['ConnectSession']

export interface ConnectOptions extends GlobalOptions {
  readonly reconnect?: string
  readonly account?: string
  readonly auth?: string
  readonly name?: string
  readonly every?: string
  readonly returnUrl?: string
  readonly domain?: string
  readonly otherAccount?: boolean
  readonly open?: boolean
  readonly wait?: boolean
}

export async function connect(service: string, options: ConnectOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const link = await need(api.POST('/admin/v1/connect-sessions', { body: bodyOf(service, options) }))
  if (!options.json) {
    out.line(out.paint.bold(link.url))
    out.note('For one browser, for half an hour. Hand it to nobody but whoever connects the account.')
  } else if (!options.wait) out.json(link)
  if (options.open) openInBrowser(link.url, out)
  if (!options.wait) return 0
  const session = await ended(api, link.sessionId, options, out)
  if (options.json) out.json({ ...link, session })
  else tell(session, out)
  return session.state === 'done' ? 0 : 1
}

function bodyOf(service: string, options: ConnectOptions): Schemas['NewConnectSession'] {
  const every = options.every === undefined ? undefined : Number(options.every)
  if (every !== undefined && !Number.isInteger(every))
    throw new CliError('--every takes a whole number of seconds.', 2)
  return {
    provider: service,
    ...(options.reconnect === undefined ? {} : { connectionId: options.reconnect }),
    ...(options.account === undefined ? {} : { accountId: options.account }),
    ...(options.auth === undefined ? {} : { auth: options.auth }),
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.returnUrl === undefined ? {} : { returnUrl: options.returnUrl }),
    ...(options.domain === undefined ? {} : { domain: options.domain }),
    ...(options.otherAccount ? { allowOtherAccount: true } : {}),
    ...(every === undefined ? {} : { syncIntervalSeconds: every }),
  }
}

/** What each system calls "open this in the browser". */
function openInBrowser(url: string, out: Out): void {
  const [command, ...args] =
    process.platform === 'darwin'
      ? (['open'] as const)
      : process.platform === 'win32'
        ? (['explorer.exe'] as const)
        : (['xdg-open'] as const)
  const child = spawn(command, [...args, url], { stdio: 'ignore', detached: true })
  child.on('error', () => out.note('No browser could be opened here: open the link yourself.'))
  child.unref()
}

const told: Readonly<Record<Session['state'], string>> = {
  open: 'waiting for somebody to open the link',
  waiting_for_consent: 'waiting for the approval at the provider',
  testing: 'testing the connection',
  done: 'done',
  failed: 'an attempt failed; it may be tried again on the page',
  expired: 'the link has expired',
}

/** Follows the session until nothing can come of it any more. */
async function ended(api: Api, sessionId: string, options: GlobalOptions, out: Out): Promise<Session> {
  let before = ''
  for (;;) {
    const session = await need(
      api.GET('/admin/v1/connect-sessions/{sessionId}', { params: { path: { sessionId } } }),
    )
    const { state, failure, openedAt } = session
    const now = state === 'open' && openedAt !== null ? 'the page is open' : told[state]
    const line = failure ? `${now}: ${failure.message}` : now
    if (line !== before && !options.json) out.note(`… ${line}`)
    before = line
    if (state === 'done' || state === 'expired') return session
    await delay(1_000)
  }
}

function tell({ state, connectionId, finding, provider }: Session, out: Out): void {
  if (state !== 'done') return out.line(`${out.paint.red('not connected')}: ${told[state]}`)
  out.line(`${out.paint.green('connected')}: ${connectionId ?? ''} (${finding?.proves ?? provider})`)
  for (const feature of finding?.without ?? []) out.line(`  without: ${feature} (the access was not granted)`)
  out.line(`Try it: tieline sync --connection ${connectionId ?? ''}`)
}
