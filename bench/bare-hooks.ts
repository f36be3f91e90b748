/**
 * What the hub's door is compared with, as a process of its own: `/insert` is a Koa handler that does one INSERT; `/workflow` starts one
 * workflow per event, whose activity does the upsert.
 */
import { Client, Connection } from '@temporalio/client'
import { NativeConnection, Worker } from '@temporalio/worker'
import Koa from 'koa'
import pg from 'pg'
import { fileURLToPath } from 'node:url'
import { createHmac, timingSafeEqual } from 'node:crypto'

interface Wish {
  readonly databaseUrl: string
  readonly temporalAddress: string
  readonly port: number
  readonly secret: string
}

const wish = JSON.parse(process.argv[2] ?? '{}') as Wish
const pool = new pg.Pool({ connectionString: wish.databaseUrl, max: 20 })
await pool.query(`
  create table if not exists bare_hooks (id text primary key, body bytea not null, at timestamptz not null default now());
  create table if not exists bare_objects (id text primary key, body jsonb not null, n bigint generated always as identity);
  create table if not exists bare_done (id text primary key, at timestamptz not null default now())`)

const client = new Client({ connection: await Connection.connect({ address: wish.temporalAddress }) })
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address: wish.temporalAddress }),
  taskQueue: 'bare-hooks',
  workflowsPath: fileURLToPath(new URL('./bare-hook-workflow.ts', import.meta.url)),
  activities: {
    async apply({ id, object }: { id: string; object: string }) {
      await pool.query(
        `insert into bare_objects (id, body) values ($1, $2) on conflict (id) do update set body = excluded.body`,
        [object, JSON.stringify({ id })],
      )
      await pool.query('insert into bare_done (id) values ($1) on conflict do nothing', [id])
    },
  },
})
void worker.run()

const app = new Koa()
app.use(async (ctx) => {
  const chunks: Buffer[] = []
  for await (const chunk of ctx.req) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks)
  const time = ctx.get('x-zendesk-webhook-signature-timestamp')
  const made = createHmac('sha256', wish.secret).update(time).update(body).digest()
  const given = Buffer.from(ctx.get('x-zendesk-webhook-signature'), 'base64')
  if (given.length !== made.length || !timingSafeEqual(given, made)) {
    ctx.status = 401
    return
  }
  const { id, detail } = JSON.parse(body.toString('utf8')) as { id: string; detail: { id: string } }
  if (ctx.path === '/workflow')
    await client.workflow.start('bareHook', {
      workflowId: `bare:${id}`,
      taskQueue: 'bare-hooks',
      args: [{ id, object: detail.id }],
    })
  else
    await pool.query('insert into bare_hooks (id, body) values ($1, $2) on conflict do nothing', [id, body])
  ctx.status = 200
  ctx.body = ''
})
app.listen(wish.port, '127.0.0.1', () => process.send?.({ ready: true }))
process.on('disconnect', () => process.exit(0))
