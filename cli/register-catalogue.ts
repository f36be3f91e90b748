import type { Command } from 'commander'
import type { GlobalOptions } from './client.ts'
import type { DependencyOptions } from './commands/dependency-audit.ts'
import type * as Records from './commands/records.ts'
import { doing, examples, limit } from './registration.ts'

type RecordsModule = typeof Records
const recordCommands = (): Promise<RecordsModule> => import('./commands/records.ts')

/** The audit chain, the services that the hub knows, what their limits leave, their actions and reports. */
export function registerCatalogue(program: Command): void {
  program
    .command('budgets [connection]')
    .description("what the services' limits leave, and when it is used up at the present rate")
    .addOption(limit())
    .addHelpText('after', examples('budgets', 'budgets con_…', 'budgets --json'))
    .action(
      doing(async (o, options: GlobalOptions & { limit: string }, id: string | undefined) =>
        (await import('./commands/budgets.ts')).listBudgets(id, options, o),
      ),
    )
  const audit = program.command('audit').description("the audit chain, and the audit of the hub's packages")
  audit
    .command('list')
    .description('entries, newest first')
    .option('--subject <id>')
    .addOption(limit())
    .action(
      doing(async (o, options: Parameters<RecordsModule['listAudit']>[0]) =>
        (await recordCommands()).listAudit(options, o),
      ),
    )
  audit
    .command('verify')
    .description('check the whole chain')
    .action(doing(async (o, options: GlobalOptions) => (await recordCommands()).verifyAudit(options, o)))
  audit
    .command('dependencies')
    .description(
      "known vulnerabilities in the hub's packages: give the result of npm audit, or see the last one",
    )
    .option('--file <file>', 'what "npm audit --json" has printed; "-" reads standard input')
    .addHelpText(
      'after',
      '\nExamples:\n  $ npm audit --json | tieline audit dependencies --file -\n  $ tieline audit dependencies\n',
    )
    .action(
      doing(async (o, options: DependencyOptions) =>
        (await import('./commands/dependency-audit.ts')).dependencyAudit(options, o),
      ),
    )
  const providers = program.command('providers').description('services that the hub knows')
  providers
    .command('list')
    .description('all of them')
    .action(doing(async (o, options: GlobalOptions) => (await recordCommands()).listProviders(options, o)))
  providers
    .command('show <service>')
    .description('one with its resources, actions and reports')
    .action(
      doing(async (o, options: GlobalOptions, slug: string) =>
        (await recordCommands()).showProvider(slug, options, o),
      ),
    )
  for (const kind of ['actions', 'reports'] as const) {
    const group = program
      .command(kind)
      .description(kind === 'actions' ? 'write through the hub' : 'ask a service for a report')
    const option = (command: Command) =>
      command
        .requiredOption('--connection <id>')
        .option('--input <json>', 'JSON object, or @file', '{}')
        .option('--idempotency-key <key>', 'the same key never does it twice; a new one when left out')
        .option('--wait <seconds>', 'how long to wait for the result', '30')
    group
      .command('list [service]')
      .description('what there is; --json shows the schemas of input and output')
      .action(
        doing(async (o, options: GlobalOptions, slug: string | undefined) =>
          (await recordCommands()).listOperations(kind, slug, options, o),
        ),
      )
    if (kind === 'reports') group.option('--fresh', 'ask the service even when it was asked a moment ago')
    option(group.command('run <name>').description('run it and show its result as JSON'))
      .addHelpText(
        'after',
        kind === 'actions'
          ? examples('actions run <service>.<action> --connection con_… --input @input.json')
          : examples('reports run <service>.<report> --connection con_… --input \'{"from":"2026-11-01"}\''),
      )
      .action(
        doing(async (o, options: Parameters<RecordsModule['runOperation']>[2], name: string) =>
          (await recordCommands()).runOperation(kind, name, options, o),
        ),
      )
  }
}
