import type { Command } from 'commander'
import type * as Escalations from './commands/escalations.ts'
import type { GlobalOptions } from './client.ts'
import { doing, examples } from './registration.ts'

type Module = typeof Escalations
const load = (): Promise<Module> => import('./commands/escalations.ts')

const withWishes = (command: Command): Command =>
  command
    .option(
      '--level <channels:minutes...>',
      'whom a level tells, how long it waits for an answer, and how often it tells again: chn_…,chn_…:15x2',
    )
    .option('--levels <json>', 'levels as a JSON array, or @file')
    .option('--rounds <number>', 'how often all levels are gone through')
    .option('--next <escalation>', 'what takes over at the end')

/** Who is told next when nobody answers. */
export function registerEscalations(alerts: Command): void {
  const escalations = alerts
    .command('escalations')
    .description('who is told next when nobody answers, and who is on call')
    .addHelpText(
      'after',
      examples(
        'alerts escalations create "Night" --level chn_…:15x1 --level chn_…,chn_…:30 --rounds 2',
        'alerts escalations rotation esc_… --level 1 --turns chn_… chn_… --handover monday@09:00 --time-zone Europe/Berlin',
        'alerts escalations show esc_…',
      ),
    )
  escalations
    .command('list', { isDefault: true })
    .description('all of them, oldest first')
    .action(doing(async (o, options: GlobalOptions) => (await load()).listEscalations(options, o)))
  escalations
    .command('show <escalation>')
    .description('level by level, with whom each would tell now')
    .action(
      doing(async (o, options: GlobalOptions, id: string) => (await load()).showEscalation(id, options, o)),
    )
  withWishes(escalations.command('create <name>').description('make one'))
    .option('--partner <id>', "whose it is; the hub's own when left out")
    .action(
      doing(async (o, options: Escalations.CreateOptions, name: string) =>
        (await load()).createEscalation(name, options, o),
      ),
    )
  registerChanges(escalations)
}

function registerChanges(escalations: Command): void {
  withWishes(
    escalations
      .command('update <escalation>')
      .description('change what is given; levels are replaced together'),
  )
    .option('--name <name>')
    .option('--no-next', 'nothing takes over at the end')
    .action(
      doing(async (o, options: Escalations.UpdateOptions, id: string) =>
        (await load()).updateEscalation(id, options, o),
      ),
    )
  escalations
    .command('rotation <escalation>')
    .description('who is on call at a level, week by week')
    .requiredOption('--level <number>', 'which level, from 1')
    .option('--turns <channels...>', 'channels of each week; several of one week separated by commas')
    .option('--none', 'no rotation at this level any more')
    .option('--handover <day@time>', 'when a week begins', 'monday@09:00')
    .option('--time-zone <name>', 'by whose clock', 'UTC')
    .option('--from <date>', 'a day in the week of the first turn; today when left out')
    .action(
      doing(async (o, options: Escalations.RotationOptions, id: string) =>
        (await load()).setRotation(id, options, o),
      ),
    )
  escalations
    .command('delete <escalation>')
    .description('delete one that nothing uses')
    .action(
      doing(async (o, options: GlobalOptions, id: string) => (await load()).deleteEscalation(id, options, o)),
    )
}
