/** `tieline partners`: the tree of partners. */
import { CliError, type ExitCode } from '../cli-error.ts'
import { collect, need, openApi, type GlobalOptions, type Schemas } from '../client.ts'
import { table, type Out } from '../print.ts'

type Partner = Schemas['Partner']

export interface ListOptions extends GlobalOptions {
  readonly parent?: string
  readonly state?: Partner['state']
  readonly limit: string
}

const paintOf = ({ state }: Partner, out: Out) =>
  state === 'active' ? out.paint.green : state === 'suspended' ? out.paint.yellow : out.paint.red

const shown = (one: Partner, options: GlobalOptions, out: Out): ExitCode => {
  if (options.json) out.json(one)
  else {
    out.line(`${paintOf(one, out)(one.state)}  ${one.partnerId}  ${one.name}`)
    out.line(out.paint.dim(`  below ${one.parentId ?? 'nobody'}; tier ${one.tier}; since ${one.createdAt}`))
  }
  return 0
}

export async function listPartners(options: ListOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const { parent, state } = options
  const filter = {
    ...(parent === undefined ? {} : { parentId: parent }),
    ...(state === undefined ? {} : { state }),
  }
  const items = await collect(Number(options.limit), (cursor, limit) =>
    need(
      api.GET('/admin/v1/partners', {
        params: { query: { ...filter, limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  const rows = items.map((one) => [
    one.partnerId,
    paintOf(one, out)(one.state),
    one.parentId ?? '',
    one.tier,
    one.name,
  ])
  if (options.json) out.json(items)
  else
    for (const line of table(['partner', 'state', 'below', 'tier', 'name'], rows, out.paint)) out.line(line)
  return 0
}

export async function createPartner(
  name: string,
  options: GlobalOptions & { readonly parent?: string; readonly tier?: string },
  out: Out,
): Promise<ExitCode> {
  const { parent, tier } = options
  const body = {
    name,
    ...(parent === undefined ? {} : { parentId: parent }),
    ...(tier === undefined ? {} : { tier }),
  }
  const made = await need(openApi(options).POST('/admin/v1/partners', { params: { header: {} }, body }))
  return shown(made, options, out)
}

export async function showPartner(partnerId: string, options: GlobalOptions, out: Out): Promise<ExitCode> {
  const path = { partnerId }
  return shown(
    await need(openApi(options).GET('/admin/v1/partners/{partnerId}', { params: { path } })),
    options,
    out,
  )
}

export async function updatePartner(
  partnerId: string,
  options: GlobalOptions & { readonly name?: string; readonly tier?: string },
  out: Out,
): Promise<ExitCode> {
  const { name, tier } = options
  if (name === undefined && tier === undefined) throw new CliError('Say what to change; --help lists it.', 2)
  const body = { ...(name === undefined ? {} : { name }), ...(tier === undefined ? {} : { tier }) }
  const path = { partnerId }
  const changed = await need(
    openApi(options).PATCH('/admin/v1/partners/{partnerId}', { params: { path }, body }),
  )
  return shown(changed, options, out)
}

export async function movePartner(
  partnerId: string,
  options: GlobalOptions & { readonly below?: string; readonly top?: boolean },
  out: Out,
): Promise<ExitCode> {
  if ((options.below === undefined) === (options.top !== true))
    throw new CliError('Say where to: --below <partner> or --top.', 2)
  const path = { partnerId }
  const body = { parentId: options.below ?? null }
  const moved = await need(
    openApi(options).POST('/admin/v1/partners/{partnerId}/move', { params: { path }, body }),
  )
  return shown(moved, options, out)
}

export async function stepPartner(
  partnerId: string,
  step: 'suspend' | 'resume' | 'close',
  options: GlobalOptions,
  out: Out,
): Promise<ExitCode> {
  const path = { partnerId }
  const changed = await need(
    openApi(options).POST(`/admin/v1/partners/{partnerId}/${step}`, { params: { path } }),
  )
  return shown(changed, options, out)
}
