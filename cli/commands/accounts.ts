/** `tieline accounts`: partners' customers. */
import { CliError, type ExitCode } from '../cli-error.ts'
import { collect, need, openApi, type GlobalOptions, type Schemas } from '../client.ts'
import { table, type Out } from '../print.ts'

type Account = Schemas['Account']

const shown = (one: Account, options: GlobalOptions, out: Out): ExitCode => {
  if (options.json) out.json(one)
  else {
    out.line(`${one.state}  ${one.accountId}  ${one.name}`)
    out.line(
      out.paint.dim(`  of ${one.partnerId}${one.externalId === null ? '' : `; there ${one.externalId}`}`),
    )
  }
  return 0
}

export async function listAccounts(
  options: GlobalOptions & {
    readonly partner?: string
    readonly externalId?: string
    readonly limit: string
  },
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  const { partner, externalId } = options
  const filter = {
    ...(partner === undefined ? {} : { partnerId: partner }),
    ...(externalId === undefined ? {} : { externalId }),
  }
  const items = await collect(Number(options.limit), (cursor, limit) =>
    need(
      api.GET('/admin/v1/accounts', {
        params: { query: { ...filter, limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  const rows = items.map((one) => [one.accountId, one.state, one.partnerId, one.externalId ?? '', one.name])
  if (options.json) out.json(items)
  else
    for (const line of table(['account', 'state', 'partner', 'external id', 'name'], rows, out.paint))
      out.line(line)
  return 0
}

export async function createAccount(
  name: string,
  options: GlobalOptions & { readonly partner: string; readonly externalId?: string },
  out: Out,
): Promise<ExitCode> {
  const { partner, externalId } = options
  const body = { name, partnerId: partner, ...(externalId === undefined ? {} : { externalId }) }
  const made = await need(openApi(options).POST('/admin/v1/accounts', { params: { header: {} }, body }))
  return shown(made, options, out)
}

export async function showAccount(accountId: string, options: GlobalOptions, out: Out): Promise<ExitCode> {
  const path = { accountId }
  return shown(
    await need(openApi(options).GET('/admin/v1/accounts/{accountId}', { params: { path } })),
    options,
    out,
  )
}

export async function updateAccount(
  accountId: string,
  options: GlobalOptions & { readonly name?: string; readonly externalId?: string },
  out: Out,
): Promise<ExitCode> {
  const { name, externalId } = options
  if (name === undefined && externalId === undefined)
    throw new CliError('Say what to change; --help lists it.', 2)
  const body = {
    ...(name === undefined ? {} : { name }),
    ...(externalId === undefined ? {} : { externalId }),
  }
  const path = { accountId }
  const changed = await need(
    openApi(options).PATCH('/admin/v1/accounts/{accountId}', { params: { path }, body }),
  )
  return shown(changed, options, out)
}

export async function closeAccount(accountId: string, options: GlobalOptions, out: Out): Promise<ExitCode> {
  const path = { accountId }
  return shown(
    await need(openApi(options).POST('/admin/v1/accounts/{accountId}/close', { params: { path } })),
    options,
    out,
  )
}
