import type { Command } from 'commander'
import type * as Automations from './commands/automations.ts'
import type { GlobalOptions } from './client.ts'
import { doing, examples, limit } from './registration.ts'

type Module = typeof Automations
const load = (): Promise<Module> => import('./commands/automations.ts')

export function registerAutomations(program: Command): void {
  const automations = program
    .command('automations')
    .description('rules that react to events, schedules and webhooks')
    .addHelpText(
      'after',
      examples(
        'automations templates',
        'automations create <template> --connect <role>=con_…',
        'automations run aut_… --payload \'{"invoiceId":"130"}\'',
        'automations runs',
        'automations approve aur_…',
      ),
    )
  automations
    .command('templates')
    .description('what is ready to use')
    .action(doing(async (o, options: GlobalOptions) => (await load()).listTemplates(options, o)))
  automations
    .command('list')
    .description('automations')
    .action(doing(async (o, options: GlobalOptions) => (await load()).listAutomations(options, o)))
  automations
    .command('create [template]')
    .description('make one from a template, or from a definition of your own')
    .option('--name <name>')
    .option('--connect <role=connection...>', 'which connection stands for which role')
    .option('--set <name=value...>', 'parameters of the template')
    .option('--definition <json>', 'JSON object, or @file')
    .action(
      doing(async (o, options: Parameters<Module['createAutomation']>[1], template: string | undefined) =>
        (await load()).createAutomation(template, options, o),
      ),
    )
  for (const [verb, state] of [
    ['enable', 'enabled'],
    ['disable', 'disabled'],
  ] as const)
    automations
      .command(`${verb} <automation>`)
      .description(`${verb} it`)
      .action(
        doing(async (o, options: GlobalOptions, id: string) =>
          (await load()).switchAutomation(id, state, options, o),
        ),
      )
  automations
    .command('delete <automation>')
    .description('delete it')
    .action(
      doing(async (o, options: GlobalOptions, id: string) => (await load()).deleteAutomation(id, options, o)),
    )
  automations
    .command('run <automation>')
    .description('run it now')
    .option('--payload <json>', 'JSON object, or @file: found under trigger.payload', '{}')
    .option('--wait <seconds>', 'how long to follow it', '60')
    .action(
      doing(async (o, options: Parameters<Module['runAutomation']>[1], id: string) =>
        (await load()).runAutomation(id, options, o),
      ),
    )
  automations
    .command('runs')
    .description('runs, newest first')
    .option('--automation <id>')
    .addOption(limit())
    .action(
      doing(async (o, options: Parameters<Module['listRuns']>[0]) => (await load()).listRuns(options, o)),
    )
  automations
    .command('show <run>')
    .description('a run with its steps')
    .action(
      doing(async (o, options: GlobalOptions, id: string) =>
        (await load()).showAutomationRun(id, options, o),
      ),
    )
  for (const decision of ['approve', 'reject'] as const)
    automations
      .command(`${decision} <run>`)
      .description(`${decision} what a run waits with`)
      .option('--note <text>')
      .action(
        doing(async (o, options: Parameters<Module['decideRun']>[2], id: string) =>
          (await load()).decideRun(id, decision, options, o),
        ),
      )
  for (const verb of ['resume', 'cancel'] as const)
    automations
      .command(`${verb} <run>`)
      .description(verb === 'resume' ? 'go on with a run that failed' : 'cancel a run')
      .action(
        doing(async (o, options: GlobalOptions, id: string) => (await load()).steerRun(id, verb, options, o)),
      )
}
