/** `tieline limits`: tiers, and what holds for partners and keys. */
import { CliError, type ExitCode } from '../cli-error.ts'
import { collect, need, openApi, type GlobalOptions, type Schemas } from '../client.ts'
import { jsonObject } from '../input.ts'
import { count, table, type Out } from '../print.ts'

type Limits = Schemas['Limits']

export interface SetOptions extends GlobalOptions {
  readonly tier?: string
  readonly overrides?: string
}
export interface SetKeyOptions extends GlobalOptions {
  readonly overrides: string
}
export interface TierOptions extends GlobalOptions {
  readonly title: string
  readonly limits: string
}

const shown = (value: number | null): string => (value === null ? 'no limit' : count(value))

const rate = ({ burst, sustained }: Schemas['Rate']): string => `${shown(burst)} / ${shown(sustained)}`
const quota = ({ soft, hard }: Schemas['Quota']): string => `${shown(soft)} / ${shown(hard)}`

export async function listTiers(options: GlobalOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const items = await collect(1_000, (cursor, limit) =>
    need(
      api.GET('/admin/v1/tiers', {
        params: { query: { limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  const rows = items.map(({ tier, title, limits: { perCaller, perPartner, quotas } }) => [
    tier,
    title,
    rate(perCaller.reads),
    rate(perPartner.reads),
    quota(quotas.calls),
    quota(quotas.connections),
  ])
  const headings = [
    'tier',
    'title',
    'reads of a key (10 s / min)',
    'of a partner',
    'calls a month (soft / hard)',
    'connections',
  ]
  if (options.json) out.json(items)
  else for (const line of table(headings, rows, out.paint)) out.line(line)
  return 0
}

function printLimits({ perCaller, perPartner, quotas }: Limits, out: Out): void {
  const classes = ['reads', 'writes', 'heavy', 'auth'] as const
  const rates = classes.map((name) => [name, rate(perCaller[name]), rate(perPartner[name])])
  for (const line of table(['class', 'a key (10 s / min)', 'the partner'], rates, out.paint)) out.line(line)
  const names = ['calls', 'records', 'connections'] as const
  const rows = names.map((name) => [name, shown(quotas[name].soft), shown(quotas[name].hard)])
  for (const line of table(['quota', 'soft', 'hard'], rows, out.paint)) out.line(line)
}

function printPartner(one: Schemas['PartnerLimits'], options: GlobalOptions, out: Out): void {
  if (options.json) {
    out.json(one)
    return
  }
  const own = Object.keys(one.overrides).length === 0 ? '' : ', with limits of its own'
  out.line(`${one.partnerId}: tier ${one.tier}${own}`)
  printLimits(one.limits, out)
}

export async function showPartnerLimits(
  partnerId: string,
  options: GlobalOptions,
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  const params = { path: { partnerId } }
  printPartner(await need(api.GET('/admin/v1/partners/{partnerId}/limits', { params })), options, out)
  return 0
}

export async function setPartnerLimits(partnerId: string, options: SetOptions, out: Out): Promise<ExitCode> {
  if (options.tier === undefined && options.overrides === undefined)
    throw new CliError('Say what to change: --tier, --overrides.', 2)
  const api = openApi(options)
  const params = { path: { partnerId } }
  const before = await need(api.GET('/admin/v1/partners/{partnerId}/limits', { params }))
  const overrides =
    options.overrides === undefined ? before.overrides : jsonObject(options.overrides, '--overrides')
  const body = { tier: options.tier ?? before.tier, overrides }
  // Nobody else's change is taken back unseen.
  const header = { 'If-Match': `"${before.version}"` }
  const after = await need(
    api.PUT('/admin/v1/partners/{partnerId}/limits', { params: { ...params, header }, body }),
  )
  printPartner(after, options, out)
  return 0
}

export async function setKeyLimits(keyId: string, options: SetKeyOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const body = { overrides: jsonObject(options.overrides, '--overrides') }
  const after = await need(api.PUT('/admin/v1/keys/{keyId}/limits', { params: { path: { keyId } }, body }))
  if (options.json) out.json(after)
  else {
    const rows = Object.entries(after.limits).map(([name, one]) => [
      name,
      shown(one.burst),
      shown(one.sustained),
    ])
    for (const line of table(['class', '10 seconds', 'minute'], rows, out.paint)) out.line(line)
  }
  return 0
}

export async function setTier(tier: string, options: TierOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  // The hub checks it against its schema.
  const limits = jsonObject(options.limits, '--limits') as unknown as Limits
  const { title } = options
  const { items } = await need(api.GET('/admin/v1/tiers', { params: { query: { limit: 200 } } }))
  const path = { tier }
  const done = items.some((one) => one.tier === tier)
    ? await need(api.PUT('/admin/v1/tiers/{tier}', { params: { path }, body: { title, limits } }))
    : await need(api.POST('/admin/v1/tiers', { body: { tier, title, limits } }))
  if (options.json) out.json(done)
  else {
    out.line(`${done.tier}: ${done.title}`)
    printLimits(done.limits, out)
  }
  return 0
}
