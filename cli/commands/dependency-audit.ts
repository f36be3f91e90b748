/** `tieline audit dependencies`: what `npm audit` says of the hub's packages, given and shown. */
import type { ExitCode } from '../cli-error.ts'
import { need, openApi, type GlobalOptions, type Schemas } from '../client.ts'
import { ago, table, type Out } from '../print.ts'
import { readObject } from './connections.ts'

type Audit = Schemas['DependencyAudit']

function print(one: Audit, { line, paint }: Out): void {
  line(`Given ${ago(one.givenAt)} by ${one.givenBy}: ${one.dependencies} packages looked at.`)
  const rows = one.packages.map(({ name, severity, range, isDirect, isFixable }) => [
    severity === 'critical' || severity === 'high' ? paint.red(severity) : severity,
    ...[name, range, isDirect ? 'yes' : 'no', isFixable ? 'yes' : 'no'],
  ])
  if (rows.length === 0) line('No known vulnerabilities.')
  else
    for (const text of table(['severity', 'package', 'versions', 'direct', 'can be mended'], rows, paint))
      line(text)
}

export interface DependencyOptions extends GlobalOptions {
  readonly file?: string
}

/** Gives a result with `--file`, shows the last one without. What it finds is the matter of the review: the exit code is 0. */
export async function dependencyAudit(options: DependencyOptions, out: Out): Promise<ExitCode> {
  const path = '/admin/v1/dependency-audit'
  const given = options.file === undefined ? undefined : (readObject(options.file) as unknown)
  const api = openApi(options)
  const one = await need(
    given === undefined ? api.GET(path) : api.PUT(path, { body: given as Schemas['NpmAuditReport'] }),
  )
  if (options.json) out.json(one)
  else print(one, out)
  return 0
}
