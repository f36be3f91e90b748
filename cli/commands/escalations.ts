/** `tieline alerts escalations`: who is told next when nobody answers, and who is on call. */
import { CliError, type ExitCode } from '../cli-error.ts'
import { collect, need, openApi, type Api, type GlobalOptions, type Schemas } from '../client.ts'
import { jsonArray, wholeNumber, words } from '../input.ts'
import { table, type Out } from '../print.ts'
import { readChannels } from './alert-channels.ts'

type Escalation = Schemas['Escalation']
type Level = Schemas['EscalationLevel']

const all = 1_000
const path = '/admin/v1/escalations/{escalationId}' as const
const at = (escalationId: string) => ({ path: { escalationId } })

export async function listEscalations(options: GlobalOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const items = await collect(all, (cursor, limit) =>
    need(
      api.GET('/admin/v1/escalations', {
        params: { query: { limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  const rows = items.map((one) => [
    one.escalationId,
    String(one.levels.length),
    String(one.rounds),
    one.next ?? '',
    one.name,
  ])
  if (options.json) out.json(items)
  else if (items.length === 0)
    out.line('There is no escalation: a policy without one tells its channels, and twice more.')
  else
    for (const line of table(['escalation', 'levels', 'rounds', 'then', 'name'], rows, out.paint))
      out.line(line)
  return 0
}

async function shown(api: Api, one: Escalation, options: GlobalOptions, out: Out): Promise<ExitCode> {
  if (options.json) {
    out.json(one)
    return 0
  }
  const names = new Map((await readChannels(api)).map(({ channelId, name }) => [channelId, name]))
  const named = (ids: readonly string[]) =>
    ids.map((id) => `${names.get(id) ?? 'deleted'} (${id})`).join(', ')
  out.line(`${one.escalationId}  ${one.name}`)
  one.levels.forEach(({ waitMinutes, repeats = 0, rotation }, index) => {
    const again = repeats === 0 ? '' : `, told again ${repeats} times`
    out.line(
      `  level ${index + 1}: tells ${named(one.onCall[index] ?? [])}; waits ${waitMinutes} min${again}`,
    )
    if (rotation) {
      const { turns, handover, timeZone, from } = rotation
      out.line(
        out.paint.dim(
          `    rotation of ${turns.length}, handed over ${handover.day} ${handover.at} ${timeZone}, first from ${from}`,
        ),
      )
    }
  })
  const then = one.next === null ? 'then nobody is told any more' : `then ${one.next}`
  out.line(out.paint.dim(`  ${one.rounds} rounds, ${then}; version ${one.version}`))
  return 0
}

export async function showEscalation(id: string, options: GlobalOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  return await shown(api, await need(api.GET(path, { params: at(id) })), options, out)
}

interface Wishes extends GlobalOptions {
  readonly level?: readonly string[]
  readonly levels?: string
  readonly rounds?: string
  readonly next?: string | false
}

export interface CreateOptions extends Wishes {
  readonly partner?: string
}

export interface UpdateOptions extends Wishes {
  readonly name?: string
}

/** `chn_…,chn_…:15` or `chn_…:15x2`: whom, how many minutes an answer is waited for, how often they are told again. Zero minutes are the API's to refuse. */
function levelOf(text: string): Level {
  const [, channels = '', minutes, repeats = '0'] = /^([^:]+):(\d{1,6})(?:x(\d{1,6}))?$/.exec(text) ?? []
  if (minutes === undefined)
    throw new CliError(`--level takes channels:minutes or channels:minutesxrepeats, not "${text}".`, 2)
  return { channels: words(channels), waitMinutes: Number(minutes), repeats: Number(repeats) }
}

function levelsOf({ level, levels }: Wishes): Level[] | undefined {
  if (level !== undefined && levels !== undefined) throw new CliError('Say --level or --levels.', 2)
  if (levels !== undefined) return [...jsonArray(levels, '--levels', 'levels')] as Level[]
  return level?.map(levelOf)
}

const wished = ({ rounds, next }: Wishes) => ({
  ...(rounds === undefined ? {} : { rounds: wholeNumber(rounds, '--rounds') }),
  ...(next === undefined ? {} : { next: next || null }),
})

export async function createEscalation(name: string, options: CreateOptions, out: Out): Promise<ExitCode> {
  const levels = levelsOf(options)
  if (!levels) throw new CliError('Say whom it tells: --level, or --levels.', 2)
  const { partner } = options
  const body = {
    ...{ name, levels, ...wished(options) },
    ...(partner === undefined ? {} : { partnerId: partner }),
  }
  const api = openApi(options)
  const made = await need(api.POST('/admin/v1/escalations', { params: { header: {} }, body }))
  return await shown(api, made, options, out)
}

/** What is not said stays, and nobody else's change is taken back unseen. */
async function replace(
  api: Api,
  before: Escalation,
  change: Partial<Schemas['EscalationDefinition']>,
): Promise<Escalation> {
  const { escalationId, name, levels, rounds, next, version } = before
  const params = { ...at(escalationId), header: { 'If-Match': `"${version}"` } }
  return await need(api.PUT(path, { params, body: { name, levels, rounds, next, ...change } }))
}

export async function updateEscalation(id: string, options: UpdateOptions, out: Out): Promise<ExitCode> {
  const levels = levelsOf(options)
  const change = {
    ...wished(options),
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(levels === undefined ? {} : { levels }),
  }
  if (Object.keys(change).length === 0) throw new CliError('Say what to change; --help lists it.', 2)
  const api = openApi(options)
  const before = await need(api.GET(path, { params: at(id) }))
  return await shown(api, await replace(api, before, change), options, out)
}

export interface RotationOptions extends GlobalOptions {
  readonly level: string
  readonly turns?: readonly string[]
  readonly none?: boolean
  readonly handover: string
  readonly timeZone: string
  readonly from?: string
}

function rotationOf({
  turns,
  none,
  handover,
  timeZone,
  from,
}: RotationOptions): Schemas['OnCallRotation'] | null {
  if ((turns === undefined) === (none !== true)) throw new CliError('Say who: --turns, or --none.', 2)
  if (!turns) return null
  const [day = '', time = ''] = handover.split('@')
  return {
    timeZone,
    handover: { day: day as Schemas['OnCallRotation']['handover']['day'], at: time },
    from: from ?? new Date().toISOString().slice(0, 10),
    turns: turns.map(words),
  }
}

export async function setRotation(id: string, options: RotationOptions, out: Out): Promise<ExitCode> {
  const rotation = rotationOf(options)
  const index = wholeNumber(options.level, '--level') - 1
  const api = openApi(options)
  const before = await need(api.GET(path, { params: at(id) }))
  if (!before.levels[index])
    throw new CliError(`--level: ${id} has ${before.levels.length} levels, not ${options.level}.`, 2)
  const levels = before.levels.map((level, n) => (n === index ? { ...level, rotation } : level))
  return await shown(api, await replace(api, before, { levels }), options, out)
}

export async function deleteEscalation(id: string, options: GlobalOptions, out: Out): Promise<ExitCode> {
  await need(openApi(options).DELETE(path, { params: at(id) }))
  if (options.json) out.json({ deleted: id })
  else out.line(`${id} is deleted.`)
  return 0
}
