/** Accounts: a partner's customers. A partner's own database lets it see and write its own and those below it. */
import {
  changeAccount,
  connectionsOf,
  findAccount,
  insertAccount,
  isTakenExternalId,
  listAccounts as selectAccounts,
  type AccountRow,
} from '../../db/accounts.ts'
import { appendAudit } from '../../db/audit.ts'
import { inTransaction, type Db } from '../../db/client.ts'
import { tellEvent } from '../../db/events.ts'
import { getPartner } from '../../db/partner-tree.ts'
import type { components, operations } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import { newId } from '../../platform/new-id.ts'
import type { ApiDeps } from '../deps.ts'
import { etagOf, expectedVersion, hasChanged } from '../etag.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Call, Handler } from '../operation.ts'
import { invalidInput } from '../problem.ts'

type AccountJson = components['schemas']['Account']

const showAccount = ({ createdAt, updatedAt, ...rest }: AccountRow): AccountJson => ({
  ...rest,
  createdAt: createdAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
})

const answerOf = (account: AccountRow) =>
  ({ status: 200, body: showAccount(account), headers: { ETag: etagOf(account) } }) as const

async function accountAt({ database }: ApiDeps, accountId: string): Promise<AccountRow> {
  const account = await findAccount(database.db, accountId)
  if (!account) throw new HubError('NoSuchThing', `There is no account "${accountId}".`)
  return account
}

const taken = (externalId: string | null | undefined) =>
  new HubError('StateConflict', `The partner has an account with the external id "${externalId}" already.`)

async function note(
  tx: Db,
  actor: string,
  what: 'created' | 'changed' | 'closed',
  account: AccountRow,
  fields: readonly string[] = [],
): Promise<void> {
  const { accountId, partnerId, externalId, name, state } = account
  const data = { accountId, externalId, name, state }
  await tellEvent(tx, { partnerId, type: `partner.account_${what}`, subject: accountId, data })
  const details = fields.length === 0 ? {} : { fields: [...fields].sort() }
  await appendAudit(tx, { actor, action: `account.${what}`, subject: accountId, partnerId, details })
}

export const listAccounts: Handler<'listAccounts'> = async (deps, call) => {
  const after = positionOf(call, { accountId: 'string' })?.accountId
  const { partnerId, externalId, state } = call.query
  const query = { partnerId, externalId, state, after, limit: rowsFor(call) }
  const rows = await selectAccounts(deps.database.db, query)
  return listAnswer(call, rows, showAccount, ({ accountId }) => ({ accountId }))
}

export const createAccount: Handler<'createAccount'> = (deps, call) => create(deps, call, call.body.partnerId)

export const createOwnAccount: Handler<'createOwnAccount'> = (deps, call) =>
  create(deps, call, call.body.partnerId ?? call.caller.partnerId ?? '')

async function create(
  deps: ApiDeps,
  { body, caller, url }: Pick<Call<operations['createOwnAccount']>, 'body' | 'caller' | 'url'>,
  owner: string,
) {
  const account = await inTransaction(deps.database.db, async (tx) => {
    const partner = await getPartner(tx, owner)
    if (!partner)
      throw invalidInput([
        { in: 'body', pointer: '/partnerId', detail: 'is not the id of a partner that you see' },
      ])
    if (partner.state === 'closed') throw new HubError('StateConflict', 'This partner is closed.')
    const externalId = body.externalId ?? null
    const wish = { accountId: newId('account'), partnerId: partner.partnerId, externalId, name: body.name }
    const made = await insertAccount(tx, wish)
    if (!made) throw taken(externalId)
    await note(tx, caller.name, 'created', made)
    return made
  })
  const headers = { Location: `${url.pathname}/${account.accountId}`, ETag: etagOf(account) }
  return { status: 201, body: showAccount(account), headers } as const
}

export const getAccount: Handler<'getAccount'> = async (deps, { path }) =>
  answerOf(await accountAt(deps, path.accountId))

export const updateAccount: Handler<'updateAccount'> = async (deps, { path, header, body, caller }) => {
  const before = await accountAt(deps, path.accountId)
  if (before.state === 'closed') throw new HubError('StateConflict', 'This account is closed.')
  const changed = await inTransaction(deps.database.db, async (tx) => {
    const after = await changeAccount(tx, before.accountId, body, expectedVersion(header['If-Match']))
    if (!after) throw hasChanged('The account')
    await note(tx, caller.name, 'changed', after, Object.keys(body))
    return after
  }).catch((error: unknown) => {
    throw isTakenExternalId(error) ? taken(body.externalId) : error
  })
  return answerOf(changed)
}

/** One that is closed already is answered as it is. */
export const closeAccount: Handler<'closeAccount'> = async (deps, { path, caller }) => {
  const before = await accountAt(deps, path.accountId)
  if (before.state === 'closed') return answerOf(before)
  const closed = await inTransaction(deps.database.db, async (tx) => {
    const count = await connectionsOf(tx, before.accountId)
    if (count > 0) {
      const text = `The account has ${count} ${count === 1 ? 'connection' : 'connections'}. Delete them first.`
      throw new HubError('StateConflict', text)
    }
    const after = await changeAccount(tx, before.accountId, { state: 'closed' }, undefined)
    if (!after) throw hasChanged('The account')
    await note(tx, caller.name, 'closed', after)
    return after
  })
  return answerOf(closed)
}
