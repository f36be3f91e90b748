/** `tieline runs proof`: fetches a proof and checks it here, or checks a saved one without any hub. */
import { readFileSync, writeFileSync } from 'node:fs'
import type { JSONWebKeySet } from 'jose'
import { messageOf } from '../../platform/errors.ts'
import { CliError, type ExitCode } from '../cli-error.ts'
import { collect, need, openApi, type GlobalOptions } from '../client.ts'
import type { Out } from '../print.ts'
import { checkProof, type ProofBundle } from '../proof.ts'

export interface ProofOptions extends GlobalOptions {
  readonly save?: string
  readonly file?: string
  readonly key?: string
}

/** Exit code 0 when every check passes, 1 when one fails. */
export async function proof(runId: string | undefined, options: ProofOptions, out: Out): Promise<ExitCode> {
  if ((runId === undefined) === (options.file === undefined))
    throw new CliError('Name a run, or a saved proof with --file.', 2)
  const bundle =
    runId === undefined ? read(options.file ?? '', options.key) : await fetchBundle(runId, options)
  if (options.save !== undefined) writeFileSync(options.save, `${JSON.stringify(bundle, null, 2)}\n`)
  const { checks, content } = await checkProof(bundle)
  const ok = checks.every((check) => check.ok)
  if (options.json) out.json({ ok, checks, content: content ?? null })
  else {
    if (content)
      out.line(
        `${content.runId}: ${content.provider} ${content.connectionId}, ${content.mode}, ${content.outcome}, accuracy ${content.accuracyPercent} %`,
      )
    for (const check of checks)
      out.line(
        `  ${check.ok ? out.paint.green('PASS') : out.paint.red('FAIL')}  ${check.what.padEnd(22)} ${check.detail}`,
      )
    if (options.save !== undefined)
      out.line(`Saved to ${options.save}. Check it anywhere: tieline runs proof --file ${options.save}`)
  }
  return ok ? 0 : 1
}

async function fetchBundle(runId: string, options: ProofOptions): Promise<ProofBundle> {
  const api = openApi(options)
  const { jws } = await need(api.GET('/admin/v1/runs/{runId}/proof', { params: { path: { runId } } }))
  const keys = await need(api.GET('/.well-known/tieline-proof-keys.json'))
  const pages = await collect(10_000_000, (cursor, limit) =>
    need(
      api.GET('/admin/v1/runs/{runId}/pages', {
        params: { path: { runId }, query: { limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  return { jws, keys, pages: pages as ProofBundle['pages'] }
}

/** A saved bundle carries the hub's keys; `--key` replaces them by keys that came another way. */
function read(file: string, keyFile: string | undefined): ProofBundle {
  const bundle = parse<ProofBundle>(file)
  if (typeof bundle.jws !== 'string' || !Array.isArray(bundle.pages))
    throw new CliError(`${file} is not a saved proof.`, 2)
  return keyFile === undefined ? bundle : { ...bundle, keys: parse<JSONWebKeySet>(keyFile) }
}

function parse<T>(file: string): T {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T
  } catch (error) {
    throw new CliError(`${file} cannot be read as JSON: ${messageOf(error)}`, 2)
  }
}
