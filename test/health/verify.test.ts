/** A comparison names exactly what was broken, row for row, and a repair mends exactly that. */
import { sql } from 'kysely'
import { createVerifyActivities } from '../../activities/verify.ts'
import { verifyAudit } from '../../db/audit.ts'
import { listIncidents } from '../../db/incidents.ts'
import {
  getVerification,
  listFindings,
  listVerifiedResources,
  type RepairWish,
  type VerificationMode,
} from '../../db/verifications.ts'
import { newId } from '../../platform/new-id.ts'
import { perform, startEngine, type Engine } from '../harness/engine.ts'

let engine: Engine
beforeAll(async () => {
  engine = await startEngine({
    size: { tickets: 40, users: 12, organizations: 6, comments: 4, sections: 2, articles: 3 },
  })
  await engine.sync()
}, 120_000)
afterAll(() => engine?.close())

const db = () => engine.test.database.db
const place = () => sql`connection_id = ${engine.connection.connectionId}`

/** As the workflow does it. */
async function verify(
  mode: VerificationMode,
  repair: RepairWish = 'none',
  resources: readonly string[] = ['tickets'],
) {
  const activities = createVerifyActivities(engine.deps)
  const verificationId = newId('verification')
  const { connectionId } = engine.connection
  const input = { verificationId, connectionId, mode, repair, resources, startedBy: 'test' }
  const plan = await perform(() => activities.openVerification(input))
  for (const resource of plan.resources) {
    let state = 'more'
    while (state !== 'done')
      ({ state } = await perform(() => activities.verifySlice({ verificationId, resource })))
  }
  const report = await perform(() => activities.reportVerification({ verificationId }))
  if (repair === 'apply') {
    await perform(() =>
      activities.moveVerification({
        verificationId,
        from: ['running'],
        state: 'repairing',
        by: 'test',
        decision: 'approved',
      }),
    )
    while ((await perform(() => activities.repairVerified({ verificationId }))).more);
    await perform(() => activities.afterRepair({ verificationId }))
  }
  const findings = await listFindings(db(), { verificationId, limit: 200 })
  return { verificationId, report, findings }
}

const idsOf = async (limit: number, offset = 0) =>
  (
    await sql<{ externalId: string }>`
      select external_id from records where ${place()} and resource = 'tickets' and deleted_at is null order by external_id limit ${limit} offset ${offset}
    `.execute(db())
  ).rows.map(({ externalId }) => externalId)

describe('a copy that is right', () => {
  it('is 100 %, in full and by sample, over every resource; the report is signed', async () => {
    for (const mode of ['full', 'sample'] as const) {
      const { verificationId, report, findings } = await verify(mode, 'none', [
        'organizations',
        'users',
        'tickets',
      ])
      expect(findings.filter(({ kind }) => kind !== 'orphan')).toEqual([])
      expect(report).toMatchObject({ accuracyPercent: 100, repairable: 0 })
      const tickets = (await listVerifiedResources(db(), verificationId)).find(
        ({ resource }) => resource === 'tickets',
      )
      expect(tickets).toMatchObject({ checked: 40, matching: 40, storeCount: 40 })
      const { jws } = (await getVerification(db(), verificationId)) ?? {}
      const [, content = ''] = (jws ?? '').split('.')
      expect(JSON.parse(Buffer.from(content, 'base64url').toString())).toMatchObject({
        verificationId,
        accuracyPercent: 100,
        mode,
      })
    }
  })
})

describe('what was broken behind the back of the hub', () => {
  it('is named row for row, and mended: lost, foreign, changed in raw, changed in mapped, tombstoned', async () => {
    const [lost1, lost2, lost3, raw, mapped, buried] = await idsOf(6)
    await sql`delete from records where ${place()} and external_id = any (${[lost1, lost2, lost3]}::text[]) and resource = 'tickets'`.execute(
      db(),
    )
    await sql`update records set raw = raw || '{"subject": "changed by hand"}' where ${place()} and resource = 'tickets' and external_id = ${raw}`.execute(
      db(),
    )
    await sql`update records set mapped = mapped || '{"status": "nonsense"}' where ${place()} and resource = 'tickets' and external_id = ${mapped}`.execute(
      db(),
    )
    await sql`update records set deleted_at = now() where ${place()} and resource = 'tickets' and external_id = ${buried}`.execute(
      db(),
    )
    await sql`
      insert into records (connection_id, resource, external_id, partner_id, account_id, model, raw, mapped, fingerprint, read_at)
      select connection_id, resource, 'foreign-1', partner_id, account_id, model, raw, mapped, fingerprint, read_at from records
      where ${place()} and resource = 'tickets' and external_id = ${raw}`.execute(db())
    const broken = await verify('full')
    const named = broken.findings
      .filter(({ kind }) => kind !== 'orphan')
      .map(({ kind, externalId }) => `${kind} ${externalId}`)
    expect(named.sort()).toEqual(
      [
        `missing ${lost1}`,
        `missing ${lost2}`,
        `missing ${lost3}`,
        `missing ${buried}`,
        `different ${raw}`,
        `different ${mapped}`,
        'extra foreign-1',
      ].sort(),
    )
    expect(broken.findings.find(({ externalId }) => externalId === raw)?.fields).toEqual(['raw.subject'])
    expect(broken.findings.find(({ externalId }) => externalId === mapped)?.fields).toEqual(['status'])
    // 34 of 41 are right.
    expect(broken.report.accuracyPercent).toBe(Math.floor((34 / 41) * 1e6) / 1e4)
    const open = () => listIncidents(db(), { state: 'unresolved', limit: 10 })
    expect((await open()).map(({ kind }) => kind)).toEqual(['integrity'])

    const repaired = await verify('full', 'apply')
    expect(
      repaired.findings
        .filter(({ kind }) => kind !== 'orphan')
        .every(({ outcome }) => outcome === 'repaired'),
    ).toBe(true)
    expect(await getVerification(db(), repaired.verificationId)).toMatchObject({
      repaired: 7,
      notRepaired: 0,
    })
    const after = await verify('full')
    expect(after.report).toMatchObject({ accuracyPercent: 100, counts: { matching: 40 } })
    expect(await open()).toEqual([])
    // A sync finds nothing more to do.
    const { run } = await engine.sync({ resources: ['tickets'], mode: 'force' })
    expect(run.resources[0]).toMatchObject({ created: 0, updated: 0, deleted: 0, unchanged: 40 })
    expect((await verifyAudit(db())).ok).toBe(true)
  })

  it('a sample never deletes', async () => {
    await sql`
      insert into records (connection_id, resource, external_id, partner_id, account_id, model, raw, mapped, fingerprint, read_at)
      select connection_id, resource, 'foreign-2', partner_id, account_id, model, raw, mapped, fingerprint, read_at from records
      where ${place()} and resource = 'tickets' limit 1`.execute(db())
    const { findings } = await verify('sample', 'apply')
    expect(findings).toMatchObject([
      { kind: 'extra', externalId: 'foreign-2', outcome: expect.stringContaining('--full') as string },
    ])
    const { findings: full } = await verify('full', 'apply')
    expect(full).toMatchObject([{ externalId: 'foreign-2', outcome: 'repaired' }])
  })
})

it('what has changed at the provider since the last sync is pending, not wrong', async () => {
  engine.sandbox.control.edit('zendesk', { resource: 'tickets', update: 3, create: 2, delete: 0, touch: 0 })
  // The simulated account stamps changes an hour ago: the last reading is set back behind them.
  await sql`update run_resources set started_at = started_at - interval '2 hours'`.execute(db())
  const { report, findings } = await verify('full')
  expect(findings.filter(({ kind }) => kind !== 'orphan')).toEqual([])
  expect(report).toMatchObject({ accuracyPercent: 100, counts: { pending: 5 } })
  await engine.sync()
  expect((await verify('full')).report.counts).toMatchObject({ pending: 0, matching: 42 })
})

it('links that lead nowhere are named', async () => {
  const [id] = await idsOf(1)
  await sql`update records set mapped = mapped || '{"requesterId": "nobody"}' where ${place()} and resource = 'tickets' and external_id = ${id}`.execute(
    db(),
  )
  const { findings } = await verify('full')
  expect(
    findings.filter(({ kind, fields }) => kind === 'orphan' && fields.includes('requesterId')),
  ).toMatchObject([{ externalId: id }])
  await verify('full', 'apply')
})
