import type { Command } from 'commander'
import type * as Channels from './commands/alert-channels.ts'
import type { GlobalOptions } from './client.ts'
import { registerAlertPolicies } from './register-alert-policies.ts'
import { registerEscalations } from './register-escalations.ts'
import { registerMaintenance } from './register-maintenance.ts'
import { doing, examples } from './registration.ts'

type Module = typeof Channels
const load = (): Promise<Module> => import('./commands/alert-channels.ts')

/** Who is told of incidents, how, when, and what of. */
export function registerAlerts(program: Command): void {
  const alerts = program
    .command('alerts')
    .description('who is told of incidents, and how')
    .addHelpText(
      'after',
      examples(
        'alerts channels create "Night" --email night@example.com',
        'alerts channels create "Ops" --slack https://hooks.slack.com/services/…',
        'alerts test chn_…',
        'alerts policies create "Errors" --kind error_rate --set percent=5 hours=1 --severity critical',
        'alerts escalations create "Night" --level chn_…:15x1 --level chn_…,chn_…:30',
        'alerts maintenance create "They announced it" --service <slug> --for 2h',
      ),
    )
  registerChannels(alerts)
  registerAlertPolicies(alerts)
  registerEscalations(alerts)
  registerMaintenance(alerts)
  alerts
    .command('test <channel>')
    .description('send a test, and say how it went')
    .action(
      doing(async (o, options: GlobalOptions, id: string) => (await load()).testChannel(id, options, o)),
    )
}

const withWays = (command: Command): Command =>
  command
    .option('--email <addresses>', 'by mail, to these, separated by commas')
    .option('--smtp <url>', 'by this server: smtp://user:password@host:587')
    .option('--from <address>', 'from this address')
    .option('--slack <url>', 'to an incoming webhook of Slack, or of what takes the same')
    .option('--webhook <url>', 'to a webhook, signed; its secret is shown once')
    .option('--pagerduty <key>', 'to PagerDuty, by a routing key')

function registerChannels(alerts: Command): void {
  const channels = alerts.command('channels').description('where alerts go')
  channels
    .command('list', { isDefault: true })
    .description('all of them, oldest first')
    .action(doing(async (o, options: GlobalOptions) => (await load()).listChannels(options, o)))
  channels
    .command('show <channel>')
    .description('one, with how it does')
    .action(
      doing(async (o, options: GlobalOptions, id: string) => (await load()).showChannel(id, options, o)),
    )
  withWays(channels.command('create <name>').description('make one'))
    .option('--partner <id>', "whose it is; the hub's own when left out")
    .action(
      doing(async (o, options: Channels.CreateOptions, name: string) =>
        (await load()).createChannel(name, options, o),
      ),
    )
  withWays(channels.command('update <channel>').description('change what is given; its kind stays'))
    .option('--name <name>')
    .option('--enable', 'send to it again')
    .option('--disable', 'send nothing to it')
    .action(
      doing(async (o, options: Channels.UpdateOptions, id: string) =>
        (await load()).updateChannel(id, options, o),
      ),
    )
  channels
    .command('delete <channel>')
    .description('delete one; what waits for it is not sent')
    .action(
      doing(async (o, options: GlobalOptions, id: string) => (await load()).deleteChannel(id, options, o)),
    )
}
