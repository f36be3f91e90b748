/** `tieline connect`. */
import type { Command } from 'commander'
import type * as Connecting from './commands/connect.ts'
import { doing, examples } from './registration.ts'

export function registerConnect(program: Command): void {
  program
    .command('connect')
    .description('make a link with which a person connects a service, or connects it again')
    .argument('<service>', 'slug of the service')
    .option(
      '--reconnect <connection>',
      'give this connection a new credential; it keeps its id, cursors and mappings',
    )
    .option('--other-account', 'let it be connected again to another account of the service')
    .option('--account <id>', 'account that owns it')
    .option('--auth <way>', 'the way to connect; the person chooses when it is left out')
    .option('--name <name>')
    .option('--every <seconds>', 'interval between syncs')
    .option('--return-url <url>', 'where the page leads in the end')
    .option('--domain <domain>', 'a verified domain of the partner, where the link leads')
    .option('--open', 'open the link in the browser of this machine')
    .option('--wait', 'wait until it is connected or the link has expired')
    .addHelpText(
      'after',
      examples('connect <service>', 'connect <service> --open --wait', 'connect <service> --reconnect con_…'),
    )
    .action(
      doing(async (o, options: Parameters<typeof Connecting.connect>[1], service: string) =>
        (await import('./commands/connect.ts')).connect(service, options, o),
      ),
    )
}
