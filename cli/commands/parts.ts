/** `tieline parts`: the processes of the embedded hub, and stopping and starting one on purpose. */
import { messageOf } from '../../platform/errors.ts'
import { CliError, type ExitCode } from '../cli-error.ts'
import { homeFolder } from '../home-folder.ts'
import { ago, nearest, table, type Out } from '../print.ts'
import { askControl, type Answer, type Order } from '../up/control.ts'
import { readHubFile } from '../up/home.ts'
import type { PartFacts } from '../up/keeper.ts'

export interface PartsOptions {
  readonly json?: boolean
}

export async function listParts(options: PartsOptions, out: Out): Promise<ExitCode> {
  const parts = await ask('list')
  if (options.json) {
    out.json(parts)
    return 0
  }
  const rows = parts.map((part) => [
    part.part,
    stateOf(part),
    part.pid === null ? '-' : String(part.pid),
    ago(part.since),
    String(part.restarts),
  ])
  for (const line of table(['part', 'state', 'pid', 'since', 'restarts'], rows, out.paint)) out.line(line)
  return 0
}

/** Resolves when it is done: a part that was started can do its work. */
export async function steerPart(
  order: Exclude<Order, 'list'>,
  part: string,
  options: PartsOptions,
  out: Out,
): Promise<ExitCode> {
  const [facts] = await ask(order, part)
  if (options.json) out.json(facts)
  else if (facts)
    out.line(`${facts.part}: ${stateOf(facts)}${facts.pid === null ? '' : ` (process ${facts.pid})`}`)
  return 0
}

const stateOf = ({ state, waitsFor }: PartFacts): string =>
  waitsFor === null ? state : `${state} for ${waitsFor}`

async function ask(order: Order, part?: string): Promise<readonly PartFacts[]> {
  const folder = homeFolder(process.env)
  const hub = readHubFile(folder)
  if (hub?.running !== true) throw new CliError(`No hub runs from ${folder}. Start one with "npm start".`)
  const answer = await askControl(hub.control, { order, ...(part === undefined ? {} : { part }) }).catch(
    (error: unknown) => {
      throw new CliError(`The hub of ${folder} does not answer (${messageOf(error)}).`)
    },
  )
  if (answer.ok) return answer.parts
  throw refused(answer, part ?? '')
}

function refused({ message, isInput, known }: Answer & { ok: false }, part: string): CliError {
  const meant = known && nearest(part, known)
  const hint = meant === undefined ? '' : ` Did you mean "${meant}"?`
  const list = known === undefined ? '' : ` Parts: ${known.join(', ')}.`
  return new CliError(`${message}${hint}${list}`, isInput ? 2 : 1)
}
