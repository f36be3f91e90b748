/** `tieline budgets`: what the rate limits of the services leave. */
import type { ExitCode } from '../cli-error.ts'
import { collect, need, openApi, type GlobalOptions, type Schemas } from '../client.ts'
import { count, duration, table, type Out, type Paint } from '../print.ts'
import { limitOf } from './runs.ts'

type Budget = Schemas['Budget']

export async function listBudgets(
  connectionId: string | undefined,
  options: GlobalOptions & { readonly limit: string },
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  const filter = connectionId === undefined ? {} : { connectionId }
  const items = await collect(limitOf(options.limit), (cursor, limit) =>
    need(
      api.GET('/admin/v1/budgets', {
        params: { query: { ...filter, limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  if (options.json) out.json(items)
  else if (items.length === 0) out.line('No budgets: no connection is to a service that limits calls.')
  else
    for (const line of table(
      ['connection', 'service', 'budget', 'used', 'left', 'limit', 'calls/h', 'whole again', 'used up'],
      items.map((one) => row(one, out.paint)),
      out.paint,
    ))
      out.line(line)
  return 0
}

export function row(one: Budget, paint: Paint, now = Date.now()): string[] {
  const { limit, windowSeconds, remaining, resetsAt, exhaustedAt } = one
  const colour = remaining === 0 ? paint.red : exhaustedAt === null ? (text: string) => text : paint.yellow
  return [
    one.connectionId,
    one.provider,
    one.scope === 'app' ? `${one.budget} (all connections)` : one.budget,
    count(one.used),
    colour(count(remaining)),
    `${count(limit)} per ${duration(windowSeconds)}`,
    count(one.callsPerHour),
    resetsAt === null ? 'is whole' : until(resetsAt, now),
    colour(remaining === 0 ? 'now' : exhaustedAt === null ? 'not at this rate' : until(exhaustedAt, now)),
  ]
}

const until = (time: string, now: number): string =>
  `in ${duration(Math.max(0, (Date.parse(time) - now) / 1000))}`
