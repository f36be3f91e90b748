/** Replacing the service account: Mixpanel has no "new secret" call, so a new account takes the old one's place. */
import { createHash } from 'node:crypto'
import type { CredentialRotation, ProviderContext } from '../contract.ts'
import { fieldsIn, bodyOf, idText, protocolError, resultsOf, rowsOf, textIn } from './answer.ts'
import { callApp, needSetting, projectId } from './call.ts'

const accountsPath = (context: ProviderContext): string =>
  `/organizations/${needSetting(context.settings, 'organization_id', 'organization id, which a rotation needs')}/service-accounts`

interface Account {
  readonly id: string
  readonly username: string
}

async function listAccounts(context: ProviderContext): Promise<Account[]> {
  const response = await callApp(context, { method: 'GET', path: accountsPath(context) })
  return rowsOf(resultsOf(response, 'service accounts'), 'service accounts').flatMap((row) => {
    const id = idText(row['id'])
    const username = textIn(row, 'username')
    return id !== undefined && username !== undefined ? [{ id, username }] : []
  })
}

async function removeAccount(context: ProviderContext, id: string): Promise<void> {
  await callApp(context, {
    method: 'DELETE',
    path: `${accountsPath(context)}/${encodeURIComponent(id)}`,
    repeatable: true,
    accept: [404],
  })
}

/** Mixpanel adds an ending of its own: `name.a1b2c3.mp-service-account`. */
const isNamed = (username: string, name: string): boolean =>
  username === name || username.startsWith(`${name}.`)

const nameOf = (attempt: string): string =>
  `tieline-${createHash('sha256').update(attempt).digest('hex').slice(0, 12)}`

export const rotation: CredentialRotation = {
  /** An account that an earlier try made has a secret that nobody knows: it is removed, and a new one made. */
  async mint(context, attempt) {
    const name = nameOf(attempt)
    const inUse = context.settings['username']
    for (const { id, username } of await listAccounts(context))
      if (isNamed(username, name) && username !== inUse) await removeAccount(context, id)
    const response = await callApp(context, {
      method: 'POST',
      path: accountsPath(context),
      // The role in the organization lets the next rotation be done; the one in the project is what /import takes.
      body: {
        username: name,
        role: 'admin',
        projects: [{ id: Number(projectId(context.settings)), role: 'admin' }],
      },
    })
    const made = fieldsIn(bodyOf(response, 'new service account'), 'results')
    const secret = textIn(made, 'token')
    const username = textIn(made, 'username')
    const id = idText(made['id'])
    if (secret === undefined || username === undefined || id === undefined)
      throw protocolError('a new service account without id, username or secret')
    return { secrets: { secret }, settings: { username, service_account_id: id } }
  },

  async retire(context, { settings }) {
    const { username } = settings
    if (username === undefined || username === context.settings['username']) return
    const old = (await listAccounts(context)).find((account) => account.username === username)
    if (old) await removeAccount(context, old.id)
  },
}
