/** The policy table and the description name the same permissions, and the table is there to be read. */
import { describedOperations } from '../../api/description.ts'
import { permissions } from '../../model/permissions.ts'
import { startTestApi } from '../harness/api.ts'

/** Of parts of the hub that are being built beside this one; none may be added. */
const awaited = new Set([
  ...['brand.read', 'brand.write', 'commissions.approve', 'commissions.read', 'commissions.write'],
  ...['health.read', 'health.write', 'integrity.read', 'integrity.run', 'keys.read', 'keys.write'],
  ...['limits.read', 'limits.write', 'maintenance.run', 'providers.write', 'usage.read', 'webhooks.payload'],
])

describe('the policy table', () => {
  const used = new Set(
    describedOperations.map(({ permission }) => permission).filter((one) => one !== undefined),
  )

  it('has every permission that an operation names', () => {
    expect([...used].filter((name) => !Object.hasOwn(permissions, name))).toEqual([])
  })

  it('has none that no operation names', () => {
    const unused = Object.keys(permissions).filter((name) => !used.has(name) && !awaited.has(name))
    expect(unused).toEqual([])
  })

  it('is shown, as JSON and as a page', async () => {
    const api = await startTestApi({ worker: false })
    try {
      const { body } = await api.request('GET', '/admin/v1/permissions')
      const { items } = body as { items: { permission: string; hub: string[] }[] }
      expect(items.map(({ permission }) => permission)).toEqual(Object.keys(permissions))
      const page = await api.request('GET', '/docs/permissions', { token: null })
      expect(page.status).toBe(200)
      for (const name of Object.keys(permissions)) expect(page.body).toContain(`<code>${name}</code>`)
    } finally {
      await api.close()
    }
  }, 60_000)
})
