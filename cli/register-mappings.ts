import { Option, type Command } from 'commander'
import type * as Mappings from './commands/mappings.ts'
import { doing, examples } from './registration.ts'

type Module = typeof Mappings
const load = (): Promise<Module> => import('./commands/mappings.ts')
const direction = () =>
  new Option('--direction <direction>', 'in: from the provider; out: to it')
    .choices(['in', 'out'])
    .default('in')

export function registerMappings(program: Command): void {
  const mappings = program
    .command('mappings')
    .description('which field becomes which; per connection')
    .addHelpText(
      'after',
      examples(
        'mappings show con_… contacts',
        'mappings fields con_… contacts',
        'mappings preview con_… contacts @rules.json',
        'mappings plan con_… contacts @rules.json',
        'mappings put con_… contacts @rules.json',
        'mappings publish con_… contacts 1',
      ),
    )
  mappings
    .command('show <connection> <resource>')
    .description('the mapping in force')
    .addOption(direction())
    .action(
      doing(async (o, options: Parameters<Module['showMapping']>[2], id: string, resource: string) =>
        (await load()).showMapping(id, resource, options, o),
      ),
    )
  mappings
    .command('fields <connection> <resource>')
    .description('the fields that the account has, custom ones too')
    .option('--refresh', 'ask the provider again')
    .action(
      doing(async (o, options: Parameters<Module['showFields']>[2], id: string, resource: string) =>
        (await load()).showFields(id, resource, options, o),
      ),
    )
  mappings
    .command('preview <connection> <resource> <rules>')
    .description('what rules (JSON or @file) make of stored records')
    .option('--id <ids...>', 'which records')
    .option('-n, --limit <number>', 'how many', '5')
    .action(
      doing(
        async (
          o,
          options: Parameters<Module['previewMapping']>[3],
          id: string,
          resource: string,
          rules: string,
        ) => (await load()).previewMapping(id, resource, rules, options, o),
      ),
    )
  mappings
    .command('plan <connection> <resource> <rules>')
    .description('count over all stored records what rules would change')
    .action(
      doing(
        async (
          o,
          options: Parameters<Module['planMapping']>[3],
          id: string,
          resource: string,
          rules: string,
        ) => (await load()).planMapping(id, resource, rules, options, o),
      ),
    )
  mappings
    .command('put <connection> <resource> <rules>')
    .description('write a new version down; nothing changes yet')
    .addOption(direction())
    .action(
      doing(
        async (
          o,
          options: Parameters<Module['putMapping']>[3],
          id: string,
          resource: string,
          rules: string,
        ) => (await load()).putMapping(id, resource, rules, options, o),
      ),
    )
  mappings
    .command('publish <connection> <resource> <version>')
    .description('put a version in force and re-map what is stored (0: the default)')
    .addOption(direction())
    .action(
      doing(
        async (
          o,
          options: Parameters<Module['publishMapping']>[3],
          id: string,
          resource: string,
          version: string,
        ) => (await load()).publishMapping(id, resource, version, options, o),
      ),
    )
}
