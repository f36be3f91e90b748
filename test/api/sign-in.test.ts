/** People sign in, with a password and a second factor; guessing is slowed, sessions end everywhere within a second. */
import { sql } from 'kysely'
import { Secret, TOTP } from 'otpauth'
import { createCallers } from '../../api/callers.ts'
import { createApi, closeServer } from '../../api/server.ts'
import { openCaches } from '../../db/caches.ts'
import { freePorts } from '../../cli/up/ports.ts'
import { newId } from '../../platform/new-id.ts'
import { startTestApi, until, type ApiAnswer, type TestApi } from '../harness/api.ts'
import { makePerson, password, signInAs } from '../harness/people.ts'

let api: TestApi

beforeAll(async () => {
  api = await startTestApi({ worker: false })
}, 120_000)
afterAll(() => api?.close())
// All of this file comes from one address.
beforeEach(() => sql`delete from sign_in_attempts`.execute(api.database.database.db))

const post = (path: string, body: unknown, token: string | null = null): Promise<ApiAnswer> =>
  api.request('POST', path, { body, token })
const signIn = (email: string, word = password) => post('/auth/v1/sessions', { email, password: word })
const me = (token: string) => api.request('GET', '/auth/v1/person', { token })
const problem = (status: number, code: string) => ({ status, body: { code } })

/** Codes of an authenticator; a step is 30 seconds. */
const codeOf = (secret: string, steps = 0): string =>
  new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() + steps * 30_000 })

/** Somebody with a second factor, set up just now. */
async function withSecondFactor() {
  // What a test does with codes of this step and the one before fits in before the next begins.
  await until(
    () => Promise.resolve(Date.now() % 30_000),
    (at) => at < 25_000,
  )
  const person = await makePerson(api, [null, 'operator'])
  const token = await signInAs(api, person)
  const enrolled = await post('/auth/v1/totp', { password }, token)
  const { secret } = enrolled.body as { secret: string }
  const confirmed = await post('/auth/v1/totp/confirm', { code: codeOf(secret, -1) }, token)
  const { recoveryCodes } = confirmed.body as { recoveryCodes: string[] }
  return { ...person, token, secret, recoveryCodes, enrolled, confirmed }
}
async function challengeOf(email: string): Promise<string> {
  const answer = await signIn(email)
  expect(answer).toMatchObject({ status: 201, body: { token: null } })
  return (answer.body as { challenge: string }).challenge
}

describe('signing in', () => {
  it('with the password opens a session that acts in the role of its person', async () => {
    const person = await makePerson(api, [null, 'operator'])
    const answer = await signIn(` ${person.email.toUpperCase()}`.trim())
    expect(answer).toMatchObject({ status: 201, body: { challenge: null } })
    const { token } = answer.body as { token: string }
    expect((await me(token)).body).toMatchObject({
      person: { personId: person.personId, hasSecondFactor: false },
      memberships: [{ partnerId: null, role: 'operator' }],
    })
    expect((await api.request('GET', '/admin/v1/connections', { token })).status).toBe(200)
    expect(await api.request('GET', '/admin/v1/members', { token })).toMatchObject({ status: 200 })
    const invite = { email: 'new@acme.example', role: 'operator' }
    expect(await post('/admin/v1/invitations', invite, token)).toMatchObject(problem(403, 'NotPermitted'))
    const trail = await api.request('GET', `/admin/v1/audit?subject=${person.personId}`)
    expect(trail.body).toMatchObject({
      items: [{ actor: `person:${person.personId}`, action: 'person.signed_in' }],
    })
  })

  it('answers a wrong password and an unknown person with the same words', async () => {
    const { email } = await makePerson(api, [null, 'operator'])
    const answers = [await signIn(email, 'wrong password'), await signIn('nobody@acme.example')]
    for (const answer of answers) {
      expect(answer).toMatchObject(problem(401, 'Unauthenticated'))
      expect(answer.body).toMatchObject({ detail: 'The e-mail address or the password is wrong.' })
    }
  })

  it('locks after some wrong attempts, an unknown person as well, for longer each time', async () => {
    const { email } = await makePerson(api, [null, 'operator'])
    for (const one of [email, 'nobody@acme.example']) {
      for (let n = 0; n < 5; n++) expect((await signIn(one, 'wrong')).status).toBe(401)
      const locked = await signIn(one)
      expect(locked).toMatchObject(problem(429, 'TooManyRequests'))
      expect(Number(locked.headers.get('retry-after'))).toBeGreaterThan(0)
    }
    const { db } = api.database.database
    const lock = async () => {
      const found = await sql<{ seconds: number }>`
        select extract(epoch from locked_until - last_at)::float as seconds from sign_in_attempts where subject like 'person:%' limit 1
      `.execute(db)
      return found.rows[0]?.seconds
    }
    await sql`delete from sign_in_attempts where subject like 'address:%'`.execute(db)
    await sql`delete from sign_in_attempts where subject not in
      (select subject from sign_in_attempts where subject like 'person:%' limit 1)`.execute(db)
    expect(await lock()).toBe(30)
    await sql`delete from sign_in_attempts`.execute(db)
    for (let n = 0; n < 7; n++) {
      await sql`update sign_in_attempts set locked_until = null`.execute(db)
      await signIn(email, 'wrong')
    }
    expect(await lock()).toBe(120)
    await sql`update sign_in_attempts set locked_until = now()`.execute(db)
    expect((await signIn(email)).status).toBe(201)
    // Forgiven.
    expect((await signIn(email, 'wrong')).status).toBe(401)
    expect((await signIn(email)).status).toBe(201)
  })

  it('counts attempts that are made at the same time', async () => {
    const { email } = await makePerson(api, [null, 'operator'])
    const answers = await Promise.all(Array.from({ length: 15 }, () => signIn(email, 'wrong')))
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(5)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(10)
  })

  it('locks an address that tries many people', async () => {
    await sql`insert into sign_in_attempts values ('address:127.0.0.1', 49, now())`.execute(
      api.database.database.db,
    )
    const { email } = await makePerson(api, [null, 'operator'])
    expect((await signIn('one@acme.example', 'wrong')).status).toBe(401)
    expect(await signIn(email)).toMatchObject(problem(429, 'TooManyRequests'))
  })
})

describe('a second factor', () => {
  it('is set up, and asked for from then on; each code counts once', async () => {
    const { email, secret, enrolled, confirmed } = await withSecondFactor()
    expect((enrolled.body as { uri: string }).uri).toMatch(/^otpauth:\/\/totp\/Tieline:/)
    expect(confirmed.status).toBe(200)
    const factor = async (code: string) =>
      post('/auth/v1/sessions/second-factor', { challenge: await challengeOf(email), code })
    const code = codeOf(secret)
    expect(await factor(code === '000000' ? '000001' : '000000')).toMatchObject(
      problem(401, 'Unauthenticated'),
    )
    // The one it was confirmed with.
    expect(await factor(codeOf(secret, -1))).toMatchObject(problem(401, 'Unauthenticated'))
    const opened = await factor(code)
    expect(opened).toMatchObject({ status: 201, body: { challenge: null } })
    expect((await me((opened.body as { token: string }).token)).status).toBe(200)
    expect(await factor(code)).toMatchObject(problem(401, 'Unauthenticated'))
  })

  it('that is awaited opens nothing: the challenge is no token, and is met once', async () => {
    const { email, secret } = await withSecondFactor()
    const challenge = await challengeOf(email)
    expect(await me(challenge)).toMatchObject(problem(401, 'Unauthenticated'))
    const met = await Promise.all(
      [0, 1].map((steps) =>
        post('/auth/v1/sessions/second-factor', { challenge, code: codeOf(secret, steps) }),
      ),
    )
    expect(met.map(({ status }) => status).sort()).toEqual([201, 401])
  })

  it('can be replaced by a recovery code, once', async () => {
    const { email, recoveryCodes } = await withSecondFactor()
    expect(new Set(recoveryCodes).size).toBe(10)
    const [recoveryCode = ''] = recoveryCodes
    const use = async (text: string) =>
      post('/auth/v1/sessions/second-factor', { challenge: await challengeOf(email), recoveryCode: text })
    expect((await use(recoveryCode.toLowerCase().replaceAll('-', ' '))).status).toBe(201)
    expect((await use(recoveryCode)).status).toBe(401)
  })

  it('is locked when it is guessed, however often the password is right', async () => {
    const { email, recoveryCodes } = await withSecondFactor()
    const guess = async () =>
      post('/auth/v1/sessions/second-factor', {
        challenge: await challengeOf(email),
        recoveryCode: 'ZZZZ-ZZZZ-ZZZZ-ZZZZ',
      })
    for (let n = 0; n < 5; n++) expect((await guess()).status).toBe(401)
    const challenge = await challengeOf(email)
    expect(
      await post('/auth/v1/sessions/second-factor', { challenge, recoveryCode: recoveryCodes[1] }),
    ).toMatchObject(problem(429, 'TooManyRequests'))
  })

  it('is removed with password and code, and its secret is kept sealed', async () => {
    const { token, secret, email, personId } = await withSecondFactor()
    const kept = await sql<{ totpSealed: Buffer }>`
      select totp_sealed from people where person_id = ${personId}
    `.execute(api.database.database.db)
    expect(kept.rows[0]?.totpSealed.toString('latin1')).not.toContain(secret)
    const remove = (code: string, word = password) =>
      post('/auth/v1/totp/disable', { password: word, code }, token)
    expect(await remove(codeOf(secret), 'wrong')).toMatchObject(problem(400, 'InvalidInput'))
    expect(await remove(codeOf(secret, -1))).toMatchObject(problem(400, 'InvalidInput'))
    expect((await remove(codeOf(secret))).status).toBe(204)
    expect((await signIn(email)).body).toMatchObject({ challenge: null })
  })
})

describe('a session', () => {
  it('is listed and ended; whoever signs out is out', async () => {
    const person = await makePerson(api, [null, 'operator'])
    const [first, second] = [await signInAs(api, person), await signInAs(api, person)]
    const { body } = await api.request('GET', '/auth/v1/sessions', { token: first })
    const { items } = body as { items: { personSessionId: string; isCurrent: boolean }[] }
    expect(items.map(({ isCurrent }) => isCurrent)).toEqual([false, true])
    const path = `/auth/v1/sessions/${items[0]?.personSessionId}`
    expect((await api.request('DELETE', path, { token: first })).status).toBe(204)
    expect(await api.request('DELETE', path, { token: first })).toMatchObject(problem(404, 'NoSuchThing'))
    await until(
      () => me(second),
      ({ status }) => status === 401,
    )
    expect((await api.request('DELETE', '/auth/v1/sessions/current', { token: first })).status).toBe(204)
    await until(
      () => me(first),
      ({ status }) => status === 401,
    )
  })

  it('of somebody else cannot be ended, nor anything of a key asked', async () => {
    const [one, other] = [
      await makePerson(api, [null, 'operator']),
      await makePerson(api, [null, 'operator']),
    ]
    const [token, theirs] = [await signInAs(api, one), await signInAs(api, other)]
    const { body } = await api.request('GET', '/auth/v1/sessions', { token: theirs })
    const { items } = body as { items: { personSessionId: string }[] }
    const path = `/auth/v1/sessions/${items[0]?.personSessionId}`
    expect(await api.request('DELETE', path, { token })).toMatchObject(problem(404, 'NoSuchThing'))
    expect((await me(theirs)).status).toBe(200)
    const { text } = await api.key()
    expect(await me(text)).toMatchObject(problem(403, 'NotPermitted'))
  })

  it('ends after a rest and at its end', async () => {
    const person = await makePerson(api, [null, 'operator'])
    const { db } = api.database.database
    for (const column of ['last_seen_at', 'expires_at']) {
      const token = await signInAs(api, person)
      expect((await me(token)).status).toBe(200)
      await sql`update person_sessions set ${sql.ref(column)} = now() - interval '13 hours' where person_id = ${person.personId}`.execute(
        db,
      )
      // Of a rest nobody is told: what is remembered is forgotten as after a while.
      api.deps.callers.sessions.forget()
      expect(await me(token)).toMatchObject(problem(401, 'Unauthenticated'))
      await sql`update person_sessions set stage = 'ended' where person_id = ${person.personId}`.execute(db)
    }
  })

  it('ended, of a changed role or a disabled person takes effect on a second process too', async () => {
    const [port = 0] = await freePorts(1)
    const caches = openCaches(api.database.database, api.database.url)
    const callers = createCallers(api.database.database.db, caches)
    const server = await createApi({ ...api.deps, caches, callers }).listen(port, '127.0.0.1')
    try {
      const person = await makePerson(api, [null, 'operator'])
      const token = await signInAs(api, person)
      const there = async (path: string) => {
        const headers = { authorization: `Bearer ${token}` }
        return await fetch(`http://127.0.0.1:${port}${path}`, { headers })
      }
      expect((await there('/admin/v1/budgets')).status).toBe(200)
      const { body } = await api.request('GET', '/admin/v1/members?limit=200')
      const { items } = body as { items: { personId: string; membershipId: string }[] }
      const mine = items.find(({ personId }) => personId === person.personId)
      const path = `/admin/v1/members/${mine?.membershipId}`
      expect((await there('/admin/v1/audit')).status).toBe(200)
      expect((await api.request('PATCH', path, { body: { role: 'support' } })).status).toBe(200)
      await until(
        () => there('/admin/v1/audit'),
        ({ status }) => status === 403,
      )
      const state = { body: { state: 'disabled' } }
      expect((await api.request('PATCH', `/admin/v1/people/${person.personId}`, state)).status).toBe(200)
      await until(
        () => there('/admin/v1/budgets'),
        ({ status }) => status === 401,
      )
      expect((await signIn(person.email)).status).toBe(401)
    } finally {
      await closeServer(server, 1_000)
      await caches.close()
    }
  })
})

describe('a password', () => {
  it('is changed by whoever knows it, to a good one, and ends other sessions', async () => {
    const person = await makePerson(api, [null, 'operator'])
    const [token, other] = [await signInAs(api, person), await signInAs(api, person)]
    const change = (newPassword: string, word = password) =>
      api.request('PUT', '/auth/v1/password', { token, body: { password: word, newPassword } })
    for (const bad of ['short', 'password1234', 'aaaaaaaaaaaaaa', '123456789012', person.email])
      expect(await change(bad)).toMatchObject({
        status: 400,
        body: { errors: [{ pointer: '/newPassword' }] },
      })
    const good = 'four goats graze gladly'
    expect(await change(good, 'wrong')).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '/password' }] },
    })
    expect((await change(good)).status).toBe(204)
    await until(
      () => me(other),
      ({ status }) => status === 401,
    )
    expect((await me(token)).status).toBe(200)
    expect((await signIn(person.email)).status).toBe(401)
    expect((await signIn(person.email, good)).status).toBe(201)
  })
})

describe('somebody with roles at partners', () => {
  const partner = async (parentId?: string): Promise<string> => {
    const body = { name: 'P', ...(parentId === undefined ? {} : { parentId }) }
    return ((await api.request('POST', '/admin/v1/partners', { body })).body as { partnerId: string })
      .partnerId
  }
  const ask = (token: string, path: string, chosen?: string) =>
    api.request('GET', path, { token, headers: chosen === undefined ? {} : { 'Tieline-Partner': chosen } })

  it('chooses by the header, also what is below; anybody else does not exist', async () => {
    const [one, two, other] = [await partner(), await partner(), await partner()]
    const below = await partner(two)
    const token = await signInAs(api, await makePerson(api, [one, 'viewer'], [two, 'admin']))
    expect(await ask(token, '/v1/me')).toMatchObject(problem(403, 'NotPermitted'))
    expect((await ask(token, '/v1/me', one)).body).toMatchObject({ kind: 'person', partnerId: one })
    expect((await ask(token, '/v1/members', one)).status).toBe(403)
    expect((await ask(token, '/v1/members', two)).status).toBe(200)
    expect((await ask(token, '/v1/me', below)).body).toMatchObject({ partnerId: below })
    for (const id of [other, newId('partner')])
      expect(await ask(token, '/v1/me', id)).toMatchObject(problem(400, 'InvalidInput'))
    expect(await ask(token, '/admin/v1/connections', two)).toMatchObject(problem(403, 'NotPermitted'))
    expect(await ask(token, '/admin/v1/connections')).toMatchObject(problem(403, 'NotPermitted'))
  })

  it('is invited by link, for one use, with a role of that place; its partner sees it, no other', async () => {
    const [one, other] = [await partner(), await partner()]
    const admin = await signInAs(api, await makePerson(api, [one, 'admin']))
    const wrong = await post('/v1/invitations', { email: 'eve@acme.example', role: 'owner' }, admin)
    expect(wrong).toMatchObject(problem(400, 'InvalidInput'))
    const foreign = { email: 'eve@acme.example', role: 'viewer', partnerId: other }
    expect(await post('/v1/invitations', foreign, admin)).toMatchObject(problem(400, 'InvalidInput'))
    const invited = await post('/v1/invitations', { email: 'Eve@acme.example', role: 'viewer' }, admin)
    const { token, invitation } = invited.body as { token: string; invitation: { invitationId: string } }
    const accept = (word: string) =>
      post('/auth/v1/invitations/accept', { token, name: 'Eve', password: word })
    expect(await accept('tooshort')).toMatchObject(problem(400, 'InvalidInput'))
    const both = await Promise.all([accept(password), accept(password)])
    expect(both.map(({ status }) => status).sort()[0]).toBe(201)
    expect(both.filter(({ status }) => status === 201)).toHaveLength(1)
    const eve = await signInAs(api, { email: 'eve@acme.example' })
    expect((await ask(eve, '/v1/me')).body).toMatchObject({ partnerId: one })
    const stranger = await signInAs(api, await makePerson(api, [other, 'admin']))
    expect((await ask(stranger, `/v1/invitations/${invitation.invitationId}`)).status).toBe(404)
    const seen = (await ask(stranger, '/v1/members')).body as { items: unknown[] }
    expect(seen.items).toHaveLength(1)
    expect(((await ask(admin, '/v1/members')).body as { items: unknown[] }).items).toHaveLength(2)
  })

  it('with a suspended partner is out', async () => {
    const one = await partner()
    const token = await signInAs(api, await makePerson(api, [one, 'admin']))
    expect((await ask(token, '/v1/me')).status).toBe(200)
    await api.request('POST', `/admin/v1/partners/${one}/suspend`)
    await until(
      () => ask(token, '/v1/me'),
      ({ status }) => status === 401,
    )
  })
})

describe('the hub', () => {
  it('keeps its last owner', async () => {
    const { db } = api.database.database
    await sql`delete from memberships where partner_id is null and role = 'owner'`.execute(db)
    const owner = await makePerson(api, [null, 'owner'])
    const { body } = await api.request('GET', '/admin/v1/members?limit=200')
    const { items } = body as { items: { personId: string; membershipId: string }[] }
    const path = `/admin/v1/members/${items.find(({ personId }) => personId === owner.personId)?.membershipId}`
    expect(await api.request('DELETE', path)).toMatchObject(problem(409, 'StateConflict'))
    expect(await api.request('PATCH', path, { body: { role: 'auditor' } })).toMatchObject(
      problem(409, 'StateConflict'),
    )
    const state = { body: { state: 'disabled' } }
    expect(await api.request('PATCH', `/admin/v1/people/${owner.personId}`, state)).toMatchObject(
      problem(409, 'StateConflict'),
    )
    await makePerson(api, [null, 'owner'])
    expect((await api.request('DELETE', path)).status).toBe(204)
  })
})
