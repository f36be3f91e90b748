import type { Command } from 'commander'
import type * as Maintenance from './commands/maintenance.ts'
import type { GlobalOptions } from './client.ts'
import { doing, examples, limit } from './registration.ts'

type Module = typeof Maintenance
const load = (): Promise<Module> => import('./commands/maintenance.ts')

const withTimes = (command: Command): Command =>
  command
    .option('--from <time>', 'when it begins (RFC 3339)')
    .option('--until <time>', 'when it ends')
    .option('--for <span>', 'how long it lasts: 30m, 2h, 3d')

/** When nobody is told. */
export function registerMaintenance(alerts: Command): void {
  const maintenance = alerts
    .command('maintenance')
    .description('while it lasts nobody is told of incidents of what it is about')
    .addHelpText(
      'after',
      examples(
        'alerts maintenance create "They announced it" --service <slug> --for 2h',
        'alerts maintenance update mnt_… --for 4h',
        'alerts maintenance end mnt_…',
      ),
    )
  maintenance
    .command('list', { isDefault: true })
    .description('what is under way or ahead, newest first')
    .option('--all', 'what is over as well')
    .addOption(limit())
    .action(
      doing(async (o, options: Parameters<Module['listWindows']>[0]) =>
        (await load()).listWindows(options, o),
      ),
    )
  maintenance
    .command('show <maintenance>')
    .description('one')
    .action(doing(async (o, options: GlobalOptions, id: string) => (await load()).showWindow(id, options, o)))
  withTimes(
    maintenance.command('create <reason>').description('announce it; from now on when no time is said'),
  )
    .option('--service <slug>', 'of this service only')
    .option('--partner <id>', 'of this partner only')
    .option('--connection <id>', 'of this connection only')
    .action(
      doing(async (o, options: Maintenance.CreateOptions, reason: string) =>
        (await load()).createWindow(reason, options, o),
      ),
    )
  withTimes(maintenance.command('update <maintenance>').description('put it off, or let it last longer'))
    .option('--reason <text>')
    .action(
      doing(async (o, options: Maintenance.UpdateOptions, id: string) =>
        (await load()).updateWindow(id, options, o),
      ),
    )
  maintenance
    .command('end <maintenance>')
    .alias('delete')
    .description('end it now; one that has not begun is taken back')
    .action(doing(async (o, options: GlobalOptions, id: string) => (await load()).endWindow(id, options, o)))
}
