/** `tieline status`: is the hub of this directory running, and where is everything. */
import type { ExitCode } from '../cli-error.ts'
import { homeFolder } from '../home-folder.ts'
import type { Out } from '../print.ts'
import { readHubFile, readSecrets } from '../up/home.ts'

export interface StatusOptions {
  readonly json?: boolean
  readonly secrets?: boolean
}

/** Prints the state of the embedded hub (keys of design §8). Exit code 0 when it is ready, 1 when not. */
export async function status(options: StatusOptions, out: Out): Promise<ExitCode> {
  const folder = homeFolder(process.env)
  const hub = readHubFile(folder)
  const secrets = options.secrets ? readSecrets(folder) : undefined
  const ready = hub?.running === true && (await isReady(hub.api))
  const facts = {
    ready,
    api: hub?.api ?? null,
    temporalUi: hub?.temporalUi ?? null,
    temporalAddress: hub?.temporalAddress ?? null,
    databaseUrl: hub === undefined ? null : withPassword(hub.databaseUrl, secrets?.postgresPassword),
    sandbox: hub?.sandbox ?? null,
    ...(secrets ? { adminToken: secrets.adminToken } : {}),
  }
  if (options.json) out.json(facts)
  else print(facts, folder, hub?.running === true, out)
  return ready ? 0 : 1
}

async function isReady(api: string): Promise<boolean> {
  try {
    return (await fetch(`${api}/readyz`, { signal: AbortSignal.timeout(5_000) })).ok
  } catch {
    return false
  }
}

function withPassword(url: string, password: string | undefined): string {
  if (password === undefined) return url
  const full = new URL(url)
  if (full.password === '') full.password = password
  return full.href
}

function print(
  facts: Readonly<Record<string, string | boolean | null>>,
  folder: string,
  running: boolean,
  out: Out,
): void {
  const { paint } = out
  if (facts['ready'] !== true) {
    const advice = running
      ? `it is still starting, or one part is away: see "tieline parts" and ${folder}/logs.`
      : 'start it with "npm start".'
    out.line(
      `${paint.yellow('not ready')}: ${running ? 'the hub runs, but' : `no hub runs from ${folder};`} ${advice}`,
    )
    if (!running) return
  } else {
    out.line(paint.green('ready'))
  }
  for (const [name, value] of Object.entries(facts))
    if (name !== 'ready' && value !== null) out.line(`  ${name.padEnd(16)} ${String(value)}`)
}
