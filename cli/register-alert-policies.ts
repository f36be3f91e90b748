import { Option, type Command } from 'commander'
import { conditionKinds, severities } from '../model/alert-policy.ts'
import type * as Policies from './commands/alert-policies.ts'
import type { GlobalOptions } from './client.ts'
import { doing, examples } from './registration.ts'

type Module = typeof Policies
const load = (): Promise<Module> => import('./commands/alert-policies.ts')

const withWishes = (command: Command): Command =>
  command
    .addOption(new Option('--kind <kind>', 'what it looks for').choices(conditionKinds))
    .option('--set <name=value...>', 'figures of the kind: percent=5 hours=1, minutes=10, days=14, …')
    .option('--condition <json>', 'both as a JSON object, or @file')
    .option('--service <slug>', 'of this service only')
    .addOption(new Option('--severity <severity>').choices(severities))
    .option('--channels <ids>', 'tell these, separated by commas; all of its owner when left out')
    .option('--escalation <id>', 'tell by this escalation instead')
    .option('--quiet-hours <json>', 'time zone and windows as a JSON object, or @file')
    .option('--disable', 'look for nothing')

/** What is told to whom. */
export function registerAlertPolicies(alerts: Command): void {
  const policies = alerts
    .command('policies')
    .description('what is told to whom')
    .addHelpText(
      'after',
      examples(
        'alerts policies create "Errors" --kind error_rate --set percent=5 hours=1 --severity critical',
        'alerts policies create "Old data" --kind freshness --set minutes=60 --service <slug> --escalation esc_…',
        'alerts policies update apo_… --set percent=2 --no-service',
        'alerts policies update apo_… --quiet-hours @quiet.json',
        'alerts policies update apo_… --disable',
      ),
    )
  policies
    .command('list', { isDefault: true })
    .description('all of them, oldest first')
    .action(doing(async (o, options: GlobalOptions) => (await load()).listPolicies(options, o)))
  policies
    .command('show <policy>')
    .description('one, in full')
    .action(doing(async (o, options: GlobalOptions, id: string) => (await load()).showPolicy(id, options, o)))
  withWishes(policies.command('create <name>').description('make one'))
    .option('--partner <id>', "whose it is; the hub's own when left out")
    .action(
      doing(async (o, options: Policies.CreateOptions, name: string) =>
        (await load()).createPolicy(name, options, o),
      ),
    )
  registerChanges(policies)
}

function registerChanges(policies: Command): void {
  withWishes(
    policies
      .command('update <policy>')
      .description('change what is given; --set changes figures of the kind it has'),
  )
    .option('--name <name>')
    .option('--enable', 'look again')
    .option('--no-service', 'of every service')
    .option('--no-channels', 'tell every channel of its owner')
    .option('--no-escalation', 'tell by no escalation')
    .option('--no-quiet-hours', 'tell at any time')
    .action(
      doing(async (o, options: Policies.UpdateOptions, id: string) =>
        (await load()).updatePolicy(id, options, o),
      ),
    )
  policies
    .command('versions <policy>')
    .description('what it was before, newest first')
    .action(
      doing(async (o, options: GlobalOptions, id: string) => (await load()).listVersions(id, options, o)),
    )
  policies
    .command('delete <policy>')
    .description('delete one; its open incidents are resolved with the next evaluation')
    .action(
      doing(async (o, options: GlobalOptions, id: string) => (await load()).deletePolicy(id, options, o)),
    )
}
