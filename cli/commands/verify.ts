/** `tieline verify [service]`: is the copy right? Names what is not, object by object, and mends it. */
import { createInterface } from 'node:readline/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { CliError, type ExitCode } from '../cli-error.ts'
import { collect, need, openApi, type Api, type GlobalOptions, type Schemas } from '../client.ts'
import { count, nearest, table, type Out } from '../print.ts'

type Verification = Schemas['Verification']

export interface VerifyOptions extends GlobalOptions {
  readonly connection?: string
  /** Some records of each resource, where everything costs too many calls. */
  readonly sample?: boolean
  readonly resource?: readonly string[]
  readonly repair?: boolean
  readonly yes?: boolean
}

/** 0: everything is right, or was repaired. 3: something is not. 1: it could not be verified. */
export async function verify(
  service: string | undefined,
  options: VerifyOptions,
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  const connections = await chosen(api, service, options)
  if (connections.length === 0) {
    out.line('Nothing to verify: no active connection. Start with "tieline connect <service>".')
    return 0
  }
  const ended: Verification[] = []
  for (const connection of connections) ended.push(await verifyOne(api, connection, options, out))
  if (options.json) out.json(ended)
  return codeOf(ended)
}

async function chosen(
  api: Api,
  service: string | undefined,
  { connection }: VerifyOptions,
): Promise<Schemas['Connection'][]> {
  if (connection !== undefined)
    return [
      await need(
        api.GET('/admin/v1/connections/{connectionId}', { params: { path: { connectionId: connection } } }),
      ),
    ]
  if (service !== undefined) await checkService(api, service)
  const filter = { state: 'active' as const, ...(service === undefined ? {} : { provider: service }) }
  const all = await collect(10_000, (cursor, limit) =>
    need(
      api.GET('/admin/v1/connections', {
        params: { query: { ...filter, limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  return all.filter(({ auth }) => auth !== 'webhooks')
}

async function checkService(api: Api, service: string): Promise<void> {
  const { items } = await need(api.GET('/admin/v1/providers'))
  const slugs = items.map(({ slug }) => slug)
  if (slugs.includes(service)) return
  const meant = nearest(service, slugs)
  throw new CliError(
    `There is no service "${service}".${meant === undefined ? '' : ` Did you mean "${meant}"?`}`,
    2,
  )
}

async function verifyOne(
  api: Api,
  connection: Schemas['Connection'],
  options: VerifyOptions,
  out: Out,
): Promise<Verification> {
  const { connectionId } = connection
  const repair: Verification['repair'] = !options.repair
    ? 'none'
    : options.yes || !process.stdin.isTTY
      ? 'apply'
      : 'ask'
  const body = {
    ...{
      connectionId,
      mode: options.sample ? ('sample' as const) : ('full' as const),
      repair,
    },
    ...(options.resource ? { resources: [...options.resource] } : {}),
  } as const
  const begun = await need(api.POST('/admin/v1/verifications', { body }))
  const through = await follow(api, begun, out, ['asking', 'succeeded', 'failed', 'cancelled'])
  if (!options.json) await print(api, connection, through, out)
  if (through.state !== 'asking') return through
  const approve = await confirmed(through)
  const path = { verificationId: through.verificationId }
  await need(
    api.POST('/admin/v1/verifications/{verificationId}/decision', { params: { path }, body: { approve } }),
  )
  const done = await follow(api, through, out, ['succeeded', 'failed', 'cancelled'])
  if (!options.json) out.line(repaired(done))
  return done
}

/** Asks until it is in one of the states. */
async function follow(
  api: Api,
  { verificationId }: Verification,
  out: Out,
  states: readonly Verification['state'][],
): Promise<Verification> {
  let told = ''
  for (;;) {
    const now = await api.GET('/admin/v1/verifications/{verificationId}', {
      params: { path: { verificationId } },
    })
    // The row is the workflow's to make.
    if (now.data && states.includes(now.data.state)) return now.data
    if (now.error && now.response.status !== 404) await need(Promise.resolve(now))
    const text = now.data ? `${count(now.data.counts.checked)} compared …` : ''
    if (text !== told && out.isTerminal) out.note(text)
    told = text
    await delay(500)
  }
}

async function print(
  api: Api,
  { name, provider }: Schemas['Connection'],
  one: Verification,
  out: Out,
): Promise<void> {
  const { paint } = out
  const percent = `${one.accuracyPercent} % right`
  out.line(
    `${paint.bold(provider)} ${name}: ${one.accuracyPercent === 100 ? paint.green(percent) : paint.red(percent)}`,
  )
  const rows = one.resources.map(({ resource, counts, providerCount, storeCount, note, calls, state }) => [
    resource,
    state,
    ...[
      counts.checked,
      counts.missing,
      counts.extra,
      counts.stale,
      counts.different,
      counts.pending,
      counts.orphans,
    ].map(count),
    providerCount === null ? '–' : count(providerCount),
    storeCount === null ? '–' : count(storeCount),
    count(calls),
    note ?? '',
  ])
  const headings = [
    'resource',
    'state',
    'compared',
    'missing',
    'extra',
    'stale',
    'different',
    'not yet synced',
    'dead links',
    'there',
    'here',
    'calls',
    '',
  ]
  for (const line of table(headings, rows, paint)) out.line(line)
  if (one.failure) out.line(paint.red(one.failure.message))
  const findings = await findingsOf(api, one)
  if (findings.length > 0) out.line()
  for (const { resource, externalId, kind, fields, outcome } of findings)
    out.line(
      `  ${kind.padEnd(9)} ${resource} ${externalId}${fields.length > 0 ? ` (${fields.join(', ')})` : ''}${outcome === null ? '' : ` – ${outcome}`}`,
    )
  if (one.decision === 'approved') out.line(repaired(one))
  else if (wrongOf(one) > 0 && one.repair === 'none') out.line('\nMend it with "tieline verify --repair".')
}

const shown = 50

async function findingsOf(api: Api, { verificationId }: Verification): Promise<Schemas['Finding'][]> {
  const all = await collect(shown + 1, (cursor, limit) =>
    need(
      api.GET('/admin/v1/verifications/{verificationId}/findings', {
        params: { path: { verificationId }, query: { limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  return all.slice(0, shown)
}

const wrongOf = ({ counts }: Verification): number =>
  counts.missing + counts.extra + counts.stale + counts.different

const repaired = (one: Verification): string => `${one.repaired} repaired, ${one.notRepaired} not.`

async function confirmed(one: Verification): Promise<boolean> {
  const asking = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await asking.question(`Repair ${wrongOf(one)} objects? [y/N] `)
    return /^y(es)?$/i.test(answer.trim())
  } finally {
    asking.close()
  }
}

function codeOf(ended: readonly Verification[]): ExitCode {
  if (ended.some(({ state }) => state === 'failed' || state === 'cancelled')) return 1
  const isWrong = (one: Verification): boolean =>
    wrongOf(one) > 0 && (one.decision !== 'approved' || one.notRepaired > 0)
  return ended.some(isWrong) ? 3 : 0
}

/** `tieline verify approve|reject <id>`: for a plan that waits for somebody. */
export async function decide(
  verificationId: string,
  approve: boolean,
  options: GlobalOptions,
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  const path = { verificationId }
  const one = await need(
    api.POST('/admin/v1/verifications/{verificationId}/decision', { params: { path }, body: { approve } }),
  )
  if (options.json) out.json(one)
  else out.line(approve ? 'It is being repaired.' : 'Nothing is repaired.')
  return 0
}
