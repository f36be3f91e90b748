import type { Command } from 'commander'
import type { MonitorOptions } from './commands/monitor.ts'
import { doing, examples } from './registration.ts'

/** How the services are. */
export function registerHealth(program: Command): void {
  program
    .command('monitor')
    .alias('monitor:integrations')
    .description('how the services are, whose fault it is when they are not well, and what to do')
    .argument('[service]', 'slug of a service; all that are connected when left out')
    .option('--detailed', 'figures per group of endpoints, connections that are not well, changes')
    .option('--all', 'services that are not connected, too')
    .option('--alert', 'evaluate the alert policies now, and send what follows')
    .option('--watch', 'show it again every few seconds')
    .addHelpText(
      'after',
      examples(
        'monitor',
        'monitor <service> --detailed',
        'monitor --alert',
        'monitor --watch',
        'monitor --json',
      ) + '\nExit codes: 0 all healthy, 1 something is down, 3 something is degraded.',
    )
    .action(
      doing(async (o, options: MonitorOptions, service?: string) =>
        (await import('./commands/monitor.ts')).monitor(service, options, o),
      ),
    )
}
