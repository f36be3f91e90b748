/** `tieline reviews`: what the hub's periodic looks at itself have found. */
import { setTimeout as delay } from 'node:timers/promises'
import { CliError, type ExitCode } from '../cli-error.ts'
import { collect, need, openApi, type Api, type GlobalOptions, type Schemas } from '../client.ts'
import { ago, nearest, table, type Out, type Paint } from '../print.ts'
import { limitOf } from './runs.ts'

type Brief = Schemas['ReviewBrief']
type Kind = Schemas['ReviewKind']

const kinds: readonly Kind[] = ['health', 'performance', 'security', 'retention']

function kindOf(text: string): Kind {
  const kind = kinds.find((one) => one === text)
  if (kind) return kind
  const meant = nearest(text, kinds)
  throw new CliError(
    `There is no review "${text}".${meant === undefined ? '' : ` Did you mean "${meant}"?`} They are ${kinds.join(', ')}.`,
    2,
  )
}

export async function listReviews(
  options: GlobalOptions & { readonly kind?: string; readonly limit: string },
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  const filter = options.kind === undefined ? {} : { kind: kindOf(options.kind) }
  const items = await collect(limitOf(options.limit), (cursor, limit) =>
    need(
      api.GET('/admin/v1/reviews', {
        params: { query: { ...filter, limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  if (options.json) out.json(items)
  else if (items.length === 0) out.line('No reviews yet. "tieline reviews run health" makes one now.')
  else
    for (const line of table(
      ['review', 'of', 'made', 'verdict', 'summary'],
      items.map((one) => row(one, out.paint)),
      out.paint,
    ))
      out.line(line)
  return 0
}

const row = (one: Brief, paint: Paint): string[] => [
  ...[one.reviewId, one.kind, ago(one.madeAt)],
  { good: paint.green, look: paint.yellow, act: paint.red }[one.verdict](one.verdict),
  one.summary,
]

/** A review by its id, or the last one of a kind. */
export async function showReview(text: string, options: GlobalOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const reviewId = text.startsWith('rev_') ? text : (await newest(api, kindOf(text)))?.reviewId
  if (reviewId === undefined)
    throw new CliError(`There is no review of ${text} yet. "tieline reviews run ${text}" makes one now.`, 2)
  return await show(api, reviewId, options, out)
}

async function show(api: Api, reviewId: string, options: GlobalOptions, out: Out): Promise<ExitCode> {
  const review = await need(api.GET('/admin/v1/reviews/{reviewId}', { params: { path: { reviewId } } }))
  if (options.json) out.json(review)
  else out.line(review.markdown)
  return 0
}

async function newest(api: Api, kind: Kind): Promise<Brief | undefined> {
  const { items } = await need(api.GET('/admin/v1/reviews', { params: { query: { kind, limit: 1 } } }))
  return items[0]
}

const patienceMs = 10 * 60_000

/** Makes a review and shows it. */
export async function runReview(text: string, options: GlobalOptions, out: Out): Promise<ExitCode> {
  const kind = kindOf(text)
  const api = openApi(options)
  const before = (await newest(api, kind))?.reviewId
  const started = await need(api.POST('/admin/v1/reviews', { body: { kind } }))
  out.note(`Under way: ${started.link}`)
  for (const until = Date.now() + patienceMs; Date.now() < until; await delay(500)) {
    const now = await newest(api, kind)
    if (now && now.reviewId !== before) return await show(api, now.reviewId, options, out)
  }
  throw new CliError(`It takes longer than ten minutes; see ${started.link}.`)
}
