import type { Command } from 'commander'
import type * as Parts from './commands/parts.ts'
import { doing, examples } from './registration.ts'

type Module = typeof Parts
type Options = Parameters<Module['listParts']>[0]
const load = (): Promise<Module> => import('./commands/parts.ts')

export function registerParts(program: Command): void {
  const parts = program
    .command('parts')
    .description('the processes of the hub that runs here; stop one and start it again')
    .addHelpText(
      'after',
      examples('parts', 'parts stop temporal', 'parts start temporal', 'parts restart api'),
    )
  parts
    .command('list', { isDefault: true })
    .description('each part with its process, since when it is so, and how often it was started again')
    .action(doing(async (o, options: Options) => (await load()).listParts(options, o)))
  const verbs = {
    stop: 'stop a part; it stays away until it is started',
    start: 'start a part that was stopped, or that waits to be started again',
    restart: 'stop a part and start it again',
  } as const
  for (const verb of ['stop', 'start', 'restart'] as const) {
    parts
      .command(`${verb} <part>`)
      .description(verbs[verb])
      .action(
        doing(async (o, options: Options, part: string) => (await load()).steerPart(verb, part, options, o)),
      )
  }
}
