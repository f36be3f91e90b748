import type { Command } from 'commander'
import type { MonitorOptions } from './commands/monitor.ts'
import type { VerifyOptions } from './commands/verify.ts'
import type { GlobalOptions } from './client.ts'
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
  const verify = program
    .command('verify')
    .description('compare services with the copy, field by field; name what is not right, mend it')
    .argument('[service]', 'slug of a service; all connections when left out')
    .option('--connection <id>', 'only this connection')
    .option('--sample', 'some records of each resource, which costs fewer calls')
    .option('--resource <name...>', 'only these resources')
    .option('--repair', 'mend what is found, after a question')
    .option('--yes', 'without the question')
    .addHelpText(
      'after',
      examples('verify', 'verify <service> --sample', 'verify <service> --repair', 'verify approve ver_…') +
        '\nExit codes: 0 right or repaired, 1 could not be verified, 3 something is not right.',
    )
    .action(
      doing(async (o, options: VerifyOptions, service?: string) =>
        (await import('./commands/verify.ts')).verify(service, options, o),
      ),
    )
  for (const [name, approve] of [
    ['approve', true],
    ['reject', false],
  ] as const)
    verify
      .command(`${name} <verification>`)
      .description(approve ? 'repair what a verification has found' : 'leave it as it is')
      .action(
        doing(async (o, options: GlobalOptions, id: string) =>
          (await import('./commands/verify.ts')).decide(id, approve, options, o),
        ),
      )
}
