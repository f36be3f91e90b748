import { Option, type Command } from 'commander'
import type * as Writes from './commands/writes.ts'
import type { GlobalOptions } from './client.ts'
import { doing, examples, limit } from './registration.ts'

type Module = typeof Writes
const load = (): Promise<Module> => import('./commands/writes.ts')
type WriteOptions = Parameters<Module['write']>[2]

export function registerWrites(program: Command): void {
  const write = program
    .command('write')
    .description('write objects to a service')
    .addHelpText(
      'after',
      examples(
        'write create invoices --connection con_… --fields @invoice.json',
        'write update contacts --connection con_… --id 512 --fields \'{"givenName":"Ana"}\' --policy ask',
        'write delete contacts --connection con_… --id 512',
        'write decide wrt_… properties.firstname=hub',
      ),
    )
  for (const operation of ['create', 'update', 'delete'] as const) {
    const command = write
      .command(`${operation} <resource>`)
      .description(`${operation} an object`)
      .requiredOption('--connection <id>')
      .option('--idempotency-key <key>', 'the same key never does it twice; a new one when left out')
      .option('--wait <seconds>', 'how long to wait for the end', '30')
      .addOption(
        new Option('--policy <policy>', 'who wins where both sides changed a field')
          .choices(['provider_wins', 'hub_wins', 'newest_wins', 'ask'])
          .default('ask'),
      )
    if (operation !== 'create') command.requiredOption('--id <id>', "the provider's id")
    if (operation !== 'delete')
      command.requiredOption('--fields <json>', 'fields of the model: JSON object, or @file')
    command.action(
      doing(async (o, options: WriteOptions, resource: string) =>
        (await load()).write(operation, resource, options, o),
      ),
    )
  }
  write
    .command('decide <write> <choices...>')
    .description('say for each conflicting field whose value stands: <field>=hub or <field>=provider')
    .action(
      doing(async (o, options: GlobalOptions, id: string, choices: string[]) =>
        (await load()).decide(id, choices, options, o),
      ),
    )
  write
    .command('list')
    .description('writes of a connection')
    .requiredOption('--connection <id>')
    .addOption(limit())
    .action(
      doing(async (o, options: Parameters<Module['listWrites']>[0]) => (await load()).listWrites(options, o)),
    )
}
