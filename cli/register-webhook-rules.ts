import type { Command } from 'commander'
import type { GlobalOptions } from './client.ts'
import type * as Rules from './commands/webhook-rules.ts'
import { doing, examples } from './registration.ts'

type Module = typeof Rules
const load = (): Promise<Module> => import('./commands/webhook-rules.ts')

export function registerWebhookRules(webhooks: Command): void {
  const rules = webhooks
    .command('rules')
    .description('rules for webhooks: filters, mapping, where events go')
    .addHelpText(
      'after',
      examples(
        'webhooks rules list',
        'webhooks rules add --connection con_… --name Urgent --definition @rule.json',
        'webhooks rules test --rule hru_… --connection con_…',
        'webhooks rules activate hru_…',
        'webhooks rules stop hru_…',
      ),
    )
  rules
    .command('list')
    .description('every rule, in the order in which they are looked at')
    .action(doing(async (o, options: GlobalOptions) => (await load()).listRules(options, o)))
  rules
    .command('show <rule>')
    .description('a rule with its versions')
    .action(doing(async (o, options: GlobalOptions, id: string) => (await load()).showRule(id, options, o)))
  rules
    .command('add')
    .description('make a rule, or a new version of one: a draft')
    .requiredOption('--definition <json>', 'JSON object, or @file')
    .option('--name <name>', 'of a new rule')
    .option('--connection <id>', 'for the webhooks of this connection')
    .option('--provider <slug>', 'for those of every connection of this provider')
    .option('--rule <id>', 'a new version of this rule')
    .action(doing(async (o, options: Parameters<Module['addRule']>[0]) => (await load()).addRule(options, o)))
  rules
    .command('test')
    .description('try a rule on stored events; changes nothing')
    .requiredOption('--connection <id>', 'whose events')
    .option('--rule <id>', 'the newest version of this rule')
    .option('--definition <json>', 'JSON object, or @file')
    .option('--type <type>', "only events of this type, in the provider's words")
    .option('--limit <number>', 'so many of the newest events', '100')
    .action(
      doing(async (o, options: Parameters<Module['testRule']>[0]) => (await load()).testRule(options, o)),
    )
  rules
    .command('activate <rule> [version]')
    .description('put a version in force, the newest when left out')
    .action(
      doing(async (o, options: GlobalOptions, id: string, version: string | undefined) =>
        (await load()).activateRule(id, version, options, o),
      ),
    )
  rules
    .command('stop <rule>')
    .description('put none of its versions in force')
    .action(
      doing(async (o, options: GlobalOptions, id: string) =>
        (await load()).activateRule(id, null, options, o),
      ),
    )
  rules
    .command('delete <rule>')
    .description('delete a rule with its versions')
    .action(doing(async (o, options: GlobalOptions, id: string) => (await load()).deleteRule(id, options, o)))
}
