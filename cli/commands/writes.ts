/** `tieline write`: objects written to providers, and conflicts decided. */
import { randomUUID } from 'node:crypto'
import { CliError, type ExitCode } from '../cli-error.ts'
import { collect, need, openApi, type GlobalOptions, type Schemas } from '../client.ts'
import { jsonObject } from '../input.ts'
import { ago, table, type Out } from '../print.ts'

export interface WriteOptions extends GlobalOptions {
  readonly connection: string
  readonly fields: string
  readonly id?: string
  readonly policy: Schemas['ConflictPolicy']
  readonly idempotencyKey?: string
  readonly wait: string
}

type Body = Schemas['NewWrite']

/** Exit code 1 when it failed, 3 when a person has to decide. */
export async function write(
  operation: Body['operation'],
  resource: string,
  options: WriteOptions,
  out: Out,
): Promise<ExitCode> {
  const key = options.idempotencyKey ?? randomUUID()
  const fields =
    operation === 'delete'
      ? {}
      : { fields: jsonObject(options.fields, '--fields') as NonNullable<Body['fields']> }
  const done = await need(
    openApi(options).POST('/admin/v1/connections/{connectionId}/writes', {
      params: {
        path: { connectionId: options.connection },
        header: { 'Idempotency-Key': key, Prefer: `wait=${options.wait}` },
      },
      body: {
        resource,
        operation,
        policy: options.policy,
        ...fields,
        ...(options.id === undefined ? {} : { externalId: options.id }),
      },
    }),
  )
  return show(done, options, out, key)
}

function show(done: Schemas['Write'], options: GlobalOptions, out: Out, key: string): ExitCode {
  if (options.json) out.json(done)
  else {
    const paint =
      done.state === 'succeeded'
        ? out.paint.green
        : done.state === 'failed'
          ? out.paint.red
          : out.paint.yellow
    out.line(
      `${paint(done.state)}  ${done.operation} in ${done.resource} ${done.externalId ?? ''}  (${done.writeId})`,
    )
    if (done.failure) out.line(`  ${done.failure.code}: ${done.failure.message}`)
    for (const { path, ours, theirs, base } of done.conflicts)
      out.line(
        `  ${path}: ours ${JSON.stringify(ours)}, theirs ${JSON.stringify(theirs)}, before ${JSON.stringify(base)}`,
      )
    if (done.droppedFields.length > 0)
      out.line(`  The provider's value stood in: ${done.droppedFields.join(', ')}`)
    if (done.state === 'needs_decision')
      out.line(
        `  Decide: tieline write decide ${done.writeId} ${done.conflictFields.map((field) => `${field}=hub`).join(' ')}`,
      )
    if (done.state === 'running') out.note(`Still running; the same key asks again: --idempotency-key ${key}`)
  }
  return done.state === 'failed' ? 1 : done.state === 'needs_decision' ? 3 : 0
}

export async function decide(
  writeId: string,
  choices: readonly string[],
  options: GlobalOptions,
  out: Out,
): Promise<ExitCode> {
  const fields = Object.fromEntries(
    choices.map((choice) => {
      const [, field, side] = /^(.+)=(hub|provider)$/.exec(choice) ?? []
      if (field === undefined) throw new CliError(`"${choice}": give <field>=hub or <field>=provider.`, 2)
      return [field, side as 'hub' | 'provider']
    }),
  )
  const params = { path: { writeId } }
  const api = openApi(options)
  await need(api.POST('/admin/v1/writes/{writeId}/decision', { params, body: { fields } }))
  const done = await need(
    api.GET('/admin/v1/writes/{writeId}', { params: { ...params, header: { Prefer: 'wait=20' } } }),
  )
  return show(done, options, out, '')
}

export async function listWrites(
  options: GlobalOptions & { readonly connection: string; readonly limit: string },
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  const path = { connectionId: options.connection }
  const items = await collect(Number(options.limit), (cursor, limit) =>
    need(
      api.GET('/admin/v1/connections/{connectionId}/writes', {
        params: { path, query: { limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  if (options.json) out.json(items)
  else
    for (const line of table(
      ['write', 'what', 'object', 'state', 'started'],
      items.map((one) => [
        one.writeId,
        `${one.operation} ${one.resource}`,
        one.externalId ?? '',
        one.state,
        ago(one.startedAt),
      ]),
      out.paint,
    ))
      out.line(line)
  return 0
}
