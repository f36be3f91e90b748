/** What `GET /v1/tickets` is compared with, as a process of its own: a bare Koa route that runs the same SQL, without key, limit or description. */
import Koa from 'koa'
import { openTenantDatabases } from '../db/client.ts'
import { listModelRecords, type ModelCursor } from '../db/model-records.ts'

interface Wish {
  readonly databaseUrl: string
  readonly port: number
  readonly partnerId: string
}

const wish = JSON.parse(process.argv[2] ?? '{}') as Wish
const tenants = openTenantDatabases({ url: wish.databaseUrl, poolSize: 20, applicationName: 'bare-api' })
const { db } = tenants.of({ partnerId: wish.partnerId })
const app = new Koa()
app.use(async (ctx) => {
  const limit = Number(ctx.query['limit'] ?? 50)
  const { cursor } = ctx.query
  const after =
    typeof cursor === 'string'
      ? (JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as ModelCursor)
      : undefined
  ctx.body = { items: await listModelRecords(db, { model: 'ticket', limit: limit + 1, after }) }
})
app.listen(wish.port, '127.0.0.1', () => process.send?.({ ready: true }))
process.on('disconnect', () => process.exit(0))
