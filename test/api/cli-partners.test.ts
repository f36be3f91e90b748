/** `tieline partners`, `accounts` and `admin create` against a running hub. */
import { createAccount, closeAccount, listAccounts } from '../../cli/commands/accounts.ts'
import { createAdmin } from '../../cli/commands/admin.ts'
import { createPartner, listPartners, movePartner, stepPartner } from '../../cli/commands/partners.ts'
import { ensureOwner } from '../../cli/up/owner.ts'
import { createOut, type Out } from '../../cli/print.ts'
import { adminToken, startTestApi, type TestApi } from '../harness/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi({ worker: false })
}, 120_000)
afterAll(() => api?.close())

/** What a command prints as JSON. */
async function printed<T>(
  work: (options: { api: string; token: string; json: true }, out: Out) => Promise<unknown>,
): Promise<T> {
  let shown: unknown
  const out = { ...createOut(), json: (value: unknown) => void (shown = value) }
  await work({ api: api.url, token: adminToken, json: true }, out)
  return shown as T
}
const signIn = (email: string, password: string) =>
  api.request('POST', '/auth/v1/sessions', { token: null, body: { email, password } })

describe('the command line', () => {
  it('makes, moves and suspends partners, and their accounts', async () => {
    type Made = { partnerId: string; accountId: string; state: string; parentId: string | null }
    const [one, two] = [
      await printed<Made>((o, out) => createPartner('One', o, out)),
      await printed<Made>((o, out) => createPartner('Two', o, out)),
    ]
    const moved = await printed<Made>((o, out) =>
      movePartner(two.partnerId, { ...o, below: one.partnerId }, out),
    )
    expect(moved.parentId).toBe(one.partnerId)
    const below = { parent: one.partnerId, limit: '10' }
    expect(await printed<Made[]>((o, out) => listPartners({ ...o, ...below }, out))).toHaveLength(1)
    await expect(
      printed((o, out) => movePartner(one.partnerId, { ...o, below: two.partnerId }, out)),
    ).rejects.toMatchObject({ exitCode: 1, message: expect.stringMatching(/loop/) as unknown })
    await expect(printed((o, out) => movePartner(one.partnerId, o, out))).rejects.toMatchObject({
      exitCode: 2,
    })
    const account = await printed<Made>((o, out) => createAccount('A', { ...o, partner: two.partnerId }, out))
    expect(
      await printed<Made[]>((o, out) => listAccounts({ ...o, partner: two.partnerId, limit: '10' }, out)),
    ).toMatchObject([{ accountId: account.accountId }])
    expect(await printed((o, out) => closeAccount(account.accountId, o, out))).toMatchObject({
      state: 'closed',
    })
    expect(await printed((o, out) => stepPartner(two.partnerId, 'suspend', o, out))).toMatchObject({
      state: 'suspended',
    })
  })

  it('makes the first owner once, and further ones when it is asked to', async () => {
    const first = await ensureOwner(api.database.url)
    expect((await signIn(first?.email ?? '', first?.password ?? '')).status).toBe(201)
    expect(await ensureOwner(api.database.url)).toBeUndefined()
    const before = process.env['DATABASE_URL']
    process.env['DATABASE_URL'] = api.database.url
    try {
      const email = 'ada@acme.example'
      const made = await printed<{ password: string }>((o, out) => createAdmin({ ...o, email }, out))
      const { body } = await signIn(email, made.password)
      const me = await api.request('GET', '/auth/v1/person', { token: (body as { token: string }).token })
      expect(me.body).toMatchObject({ memberships: [{ partnerId: null, role: 'owner' }] })
      await expect(printed((o, out) => createAdmin({ ...o, email }, out))).rejects.toThrow(/already/)
      await expect(printed((o, out) => createAdmin({ ...o, email: 'none' }, out))).rejects.toMatchObject({
        exitCode: 2,
      })
    } finally {
      if (before === undefined) delete process.env['DATABASE_URL']
      else process.env['DATABASE_URL'] = before
    }
  })
})
