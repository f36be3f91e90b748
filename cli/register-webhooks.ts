import { Option, type Command } from 'commander'
import type * as Simulation from './commands/webhooks-simulate.ts'
import type * as Webhooks from './commands/webhooks.ts'
import type { GlobalOptions } from './client.ts'
import { registerWebhookRules } from './register-webhook-rules.ts'
import { doing, examples, limit } from './registration.ts'

type Module = typeof Webhooks
const load = (): Promise<Module> => import('./commands/webhooks.ts')
const loadSimulation = (): Promise<typeof Simulation> => import('./commands/webhooks-simulate.ts')
type Simulate = Parameters<(typeof Simulation)['simulate']>[2]

const filtered = (command: Command): Command =>
  command
    .option('--connection <id>', 'only those of this connection')
    .option('--provider <slug>', 'only those of this provider')
    .addOption(
      new Option('--state <state>', 'only those in this state').choices([
        'unmatched',
        'waiting',
        'processed',
        'dead',
      ]),
    )
    .option('--outcome <outcome>', 'only those with this outcome')
    .option('--type <type>', "only those of this type, in the provider's words")

export function registerWebhooks(program: Command): void {
  const webhooks = program
    .command('webhooks')
    .description('what providers post, what came of it, and trying it')
    .addHelpText(
      'after',
      examples(
        'webhooks sources',
        'webhooks setup con_…',
        'webhooks list --state dead',
        'webhooks show evt_…',
        'webhooks replay --state dead --dry-run',
        'webhooks simulate <provider> <event>',
        'webhooks tail',
      ),
    )
  registerWebhookRules(webhooks)
  webhooks
    .command('sources')
    .description('who sends webhooks, and which samples there are')
    .action(doing(async (o, options: GlobalOptions) => (await load()).sources(options, o)))
  webhooks
    .command('setup <connection>')
    .description(
      'make or change what guards the webhooks of a connection, and say how to set them up at the provider',
    )
    .option('--secret <name=value...>', 'a secret that the provider has made')
    .option('--allow <network...>', 'addresses and networks that may post')
    .option('--per-minute <number>', 'requests a minute at most')
    .action(
      doing(async (o, options: Parameters<Module['setUp']>[1], id: string) =>
        (await load()).setUp(id, options, o),
      ),
    )
  filtered(webhooks.command('list').description('events that were received, newest first'))
    .addOption(limit())
    .action(
      doing(async (o, options: Parameters<Module['listEvents']>[0]) => (await load()).listEvents(options, o)),
    )
  webhooks
    .command('show <event>')
    .description('one event with its content, its checks and its run')
    .action(doing(async (o, options: GlobalOptions, id: string) => (await load()).showEvent(id, options, o)))
  filtered(webhooks.command('replay [events...]').description('let events have their effect again'))
    .option('--dry-run', 'only say how many')
    .action(
      doing(async (o, options: Parameters<Module['replay']>[1], ids: string[]) =>
        (await load()).replay(ids, options, o),
      ),
    )
  filtered(webhooks.command('tail').description('follow what comes in')).action(
    doing(async (o, options: Parameters<Module['tail']>[0]) => (await load()).tail(options, o)),
  )
  webhooks
    .command('simulate <provider> [event]')
    .alias('test')
    .description('send a correctly signed sample through the real door and follow it to its effect')
    .option('--connection <id>', 'to this connection; the first of the provider when left out')
    .option('--object <id>', 'about this object')
    .option('--events <number>', 'so many different events, eight at a time', '1')
    .option('--times <number>', 'deliver each so many times', '1')
    .option('--no-follow', 'do not wait for what comes of it')
    .option('--tamper', 'change a byte on the way')
    .action(
      doing(async (o, options: Simulate, provider: string, event: string | undefined) =>
        (await loadSimulation()).simulate(provider, event, options, o),
      ),
    )
}
