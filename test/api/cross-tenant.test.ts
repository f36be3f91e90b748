/**
 * No tenant reaches another's things (INV-7), whatever operation is tried with whatever id. Driven by the description: what is added
 * to it is tried too. What a tenant may not know of is answered like what does not exist, and nothing of it is changed.
 */
import { sql } from 'kysely'
import { describedOperations, type Operation } from '../../api/description.ts'
import { idPrefixes } from '../../model/ids.ts'
import { insertPartner } from '../../db/partner-tree.ts'
import {
  keyScopes,
  permissionsOfHub,
  permissionsOfPartner,
  permissionsOfScopes,
} from '../../model/permissions.ts'
import { newId } from '../../platform/new-id.ts'
import { adminToken, startTestApi, type ApiAnswer, type TestApi } from '../harness/api.ts'
import { makePerson, signInAs } from '../harness/people.ts'
import { fingerprint, seedTenant, type TenantWorld } from '../harness/tenant-world.ts'
import { wishesOf, type IdOf, type Wish } from '../harness/wish-of.ts'

let api: TestApi
/** `parent` has `left` and `right` below it; `stranger` stands alone. */
const worlds = {} as Record<'parent' | 'left' | 'right' | 'stranger', TenantWorld>
type Name = keyof typeof worlds

beforeAll(async () => {
  api = await startTestApi({ worker: false })
  const { db } = api.database.database
  const make = async (name: Name, parentId: string | null) => {
    const partnerId = newId('partner')
    await insertPartner(db, { partnerId, parentId, name })
    worlds[name] = await seedTenant(db, partnerId)
    return partnerId
  }
  const parent = await make('parent', null)
  await make('left', parent)
  await make('right', parent)
  await make('stranger', null)
  // What is refused for its rate tells nothing.
  await sql`update partners set tier = 'unlimited'`.execute(db)
  await sql`update tiers set limits = (select limits from tiers where tier = 'unlimited') where tier = 'people'`.execute(
    db,
  )
}, 120_000)
afterAll(() => api?.close())

const ofPartners = describedOperations.filter(({ path, isPublic }) => path.startsWith('/v1/') && !isPublic)
const ofHub = describedOperations.filter(({ path }) => path.startsWith('/admin/v1/'))

const idsOf =
  (name: Name): IdOf =>
  (prefix) =>
    worlds[name].ids.get(prefix)
const nobodys: IdOf = (prefix) => {
  const kind = Object.entries(idPrefixes).find(([, one]) => one === prefix)?.[0]
  return kind === undefined ? undefined : newId(kind as keyof typeof idPrefixes)
}

interface Attacker {
  readonly token: string
  readonly may: ReadonlySet<string>
  readonly headers: Readonly<Record<string, string>>
}
const ask = ({ method }: Operation, wish: Wish, { token, headers }: Attacker): Promise<ApiAnswer> =>
  api.request(method.toUpperCase(), wish.path, {
    ...{ token, headers: { ...headers, 'Idempotency-Key': newId('request') } },
    ...(wish.body === undefined ? {} : { body: wish.body }),
  })

const codeOf = ({ body }: ApiAnswer): unknown => (body as { code?: unknown } | undefined)?.code ?? null

/** What of somebody's things an answer tells, beside the ids that were asked about. */
function leakOf(answer: ApiAnswer, name: Name, wish: Wish): string[] {
  const text = JSON.stringify(answer.body ?? '')
  const asked = answer.status >= 400 ? wish.names : []
  return [...worlds[name].ids]
    .filter(([prefix, id]) => !asked.includes(prefix) && text.includes(id))
    .map(([, id]) => id)
}

/** Tries every operation on what belongs to `foreign`; answers what was wrong. */
async function attack(attacker: Attacker, foreign: Name): Promise<string[]> {
  const faults: string[] = []
  for (const operation of ofPartners) {
    const wishes = wishesOf(operation, idsOf(foreign))
    const same = wishesOf(operation, nobodys)
    for (const [n, wish] of wishes.entries()) {
      if (wish.names.length === 0) continue
      const unknown = same[n]
      if (!unknown) throw new Error(`${operation.operationId} has no such wish for nobody`)
      const [answer, expected] = [
        await ask(operation, wish, attacker),
        await ask(operation, unknown, attacker),
      ]
      const told = (one: ApiAnswer) => `${one.status} ${String(codeOf(one))}`
      const say = (text: string) => faults.push(`${operation.operationId} ${wish.path}: ${text}`)
      if (told(answer) !== told(expected))
        say(`${told(answer)} for what is foreign, ${told(expected)} for what is not there`)
      if (answer.status < 300 && operation.method !== 'get') say(`${answer.status}: it went through`)
      if (answer.status === 403 && attacker.may.has(operation.permission ?? ''))
        say('403 for what may not be known')
      if (answer.status >= 500) say(`${answer.status} ${JSON.stringify(answer.body)}`)
      const leaks = leakOf(answer, foreign, wish)
      if (leaks.length > 0) say(`tells of ${leaks.join(', ')}`)
    }
  }
  return faults
}

async function keyOf(name: Name): Promise<Attacker> {
  const { text } = await api.key({ partnerId: worlds[name].partnerId })
  return { token: text, headers: {}, may: permissionsOfScopes(keyScopes) }
}

describe('the world of this test', () => {
  it('has a row in every table that has a tenant, and a thing for every id of a path', () => {
    for (const world of Object.values(worlds)) expect(world.unfilled).toEqual({})
    const unknown = ofPartners.filter((operation) =>
      wishesOf(operation, idsOf('stranger')).some(({ path }) => /\/nothing(\/|\?|$)/.test(path)),
    )
    // Add what it is made of to `kinds` or `special` of test/harness/tenant-world.ts, or to `places` of wish-of.ts.
    expect(unknown.map(({ operationId }) => operationId)).toEqual([])
  })
})

describe('a tenant (INV-7)', () => {
  const pairs: readonly (readonly [attacker: Name, foreign: Name])[] = [
    ['left', 'right'],
    ['left', 'parent'],
    ['stranger', 'left'],
    ['parent', 'stranger'],
  ]
  it.each(pairs)(
    '%s does not reach the things of %s with a key, and changes nothing there',
    async (attacker, foreign) => {
      const { db } = api.database.database
      const before = await fingerprint(db, worlds[foreign].partnerId)
      const faults = await attack(await keyOf(attacker), foreign)
      expect(faults).toEqual([])
      expect(await fingerprint(db, worlds[foreign].partnerId)).toEqual(before)
    },
    60_000,
  )

  it('does not reach them as a person either, nor does the admin who acts for another', async () => {
    const { db } = api.database.database
    const token = await signInAs(api, await makePerson(api, [worlds.left.partnerId, 'admin']))
    const person = { token, headers: {}, may: permissionsOfPartner('admin') }
    const headers = { 'Tieline-Partner': worlds.left.partnerId }
    const admin = { token: adminToken, headers, may: permissionsOfHub('owner') }
    const before = await fingerprint(db, worlds.right.partnerId)
    for (const attacker of [person, admin]) expect(await attack(attacker, 'right')).toEqual([])
    expect(await fingerprint(db, worlds.right.partnerId)).toEqual(before)
  }, 60_000)

  it('lists nothing of what is beside or above it', async () => {
    // One that has nothing itself: what it is shown would be somebody else's.
    const partnerId = newId('partner')
    const parentId = worlds.parent.partnerId
    await insertPartner(api.database.database.db, { partnerId, parentId, name: 'Empty' })
    const { text } = await api.key({ partnerId })
    const attacker = { token: text, headers: {}, may: permissionsOfScopes(keyScopes) }
    for (const operation of ofPartners.filter(
      ({ method, path }) => method === 'get' && !path.includes('{'),
    )) {
      const [wish] = wishesOf(operation, () => undefined)
      if (!wish) continue
      const answer = await ask(operation, wish, attacker)
      expect([operation.operationId, answer.status < 500]).toEqual([operation.operationId, true])
      for (const name of ['left', 'right', 'parent', 'stranger'] as const)
        expect([operation.operationId, leakOf(answer, name, wish)]).toEqual([operation.operationId, []])
    }
  })

  it('sees what is below it, and what is its own', async () => {
    const attacker = await keyOf('parent')
    const shown: string[] = []
    // The record that there is is a ticket; a brand's domains are their own partner's affair.
    const isMeant = ({ path }: Operation): boolean =>
      (!path.includes('{recordId}') || path.startsWith('/v1/tickets/')) && !path.includes('/brand/domains/')
    const gets = ofPartners.filter(({ method, path }) => method === 'get' && path.includes('{'))
    for (const operation of gets.filter(isMeant)) {
      for (const name of ['parent', 'left'] as const) {
        const [wish] = wishesOf(operation, idsOf(name))
        if (!wish || wish.names.length === 0) continue
        const { status } = await ask(operation, wish, attacker)
        // A thing that was made from the catalogue may lack what an answer needs; it must be found all the same.
        if (status === 404 || status === 403) shown.push(`${operation.operationId} of ${name}: ${status}`)
      }
    }
    // What is about a part that the seeded thing does not have.
    expect(
      shown.filter((one) => !/^(get\w*(Proof|Webhook|Mapping|Schedule)|fetchOwnKeySecret)/.test(one)),
    ).toEqual([])
    const list = await api.request('GET', '/v1/connections', { token: attacker.token })
    expect(JSON.stringify(list.body)).toContain(worlds.left.ids.get('con'))
  })

  it('is stopped at every operation of the hub, whatever is asked about', async () => {
    const attacker = await keyOf('left')
    const reached: string[] = []
    for (const operation of ofHub)
      for (const wish of wishesOf(operation, idsOf('left')).slice(0, 1)) {
        const { status } = await ask(operation, wish, attacker)
        if (status !== 403) reached.push(`${operation.operationId} ${status}`)
      }
    expect(reached).toEqual([])
  })
})
