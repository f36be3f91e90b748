import { Option, type Command } from 'commander'
import type * as Alerts from './commands/alerts.ts'
import type * as Incidents from './commands/incidents.ts'
import type { GlobalOptions } from './client.ts'
import { doing, examples, limit } from './registration.ts'

type IncidentsModule = typeof Incidents
type AlertsModule = typeof Alerts
const loadIncidents = (): Promise<IncidentsModule> => import('./commands/incidents.ts')
const loadAlerts = (): Promise<AlertsModule> => import('./commands/alerts.ts')

/** Open problems, and who is told of them. */
export function registerAlerts(program: Command): void {
  registerIncidents(program)
  registerAlertCommands(program)
}

function registerIncidents(program: Command): void {
  const incidents = program
    .command('incidents')
    .description('open problems, what has happened, and your answer to them')
    .addHelpText(
      'after',
      examples(
        'incidents list',
        'incidents show inc_…',
        'incidents acknowledge inc_… --note "I look at it"',
        'incidents snooze inc_… --minutes 60',
      ),
    )
  incidents
    .command('list')
    .description('incidents, newest first; those that are open unless told otherwise')
    .addOption(
      new Option('--state <state>', 'only those in this state')
        .choices(['open', 'acknowledged', 'snoozed', 'resolved', 'unresolved'])
        .default('unresolved'),
    )
    .option('--all', 'those that are over as well')
    .option('--service <slug>', 'of this service only')
    .addOption(limit())
    .action(
      doing(async (o, options: Incidents.ListOptions) => (await loadIncidents()).listIncidents(options, o)),
    )
  incidents
    .command('show <incident>')
    .description('an incident with its timeline, as Markdown that can be passed on')
    .action(
      doing(async (o, options: GlobalOptions, id: string) =>
        (await loadIncidents()).showIncident(id, options, o),
      ),
    )
  for (const [verb, text] of [
    ['acknowledge', 'take it on: nobody else is told'],
    ['snooze', 'put it off'],
    ['resolve', 'say that it is over; what still fails opens it again'],
  ] as const) {
    const command = incidents.command(`${verb} <incident>`).description(text).option('--note <text>')
    if (verb === 'snooze') command.option('--minutes <number>', 'for how long', '60')
    command.action(
      doing(async (o, options: Incidents.AnswerOptions, id: string) =>
        (await loadIncidents()).answerIncident(id, verb, options, o),
      ),
    )
  }
}

function registerAlertCommands(program: Command): void {
  const alerts = program
    .command('alerts')
    .description('who is told of incidents, and how')
    .addHelpText(
      'after',
      examples(
        'alerts channels',
        'alerts channels create "Night" --email night@example.com',
        'alerts channels create "Ops" --slack https://hooks.slack.com/services/…',
        'alerts test chn_…',
        'alerts policies',
      ),
    )
  const channels = alerts
    .command('channels')
    .description('where alerts go')
    .action(doing(async (o, options: GlobalOptions) => (await loadAlerts()).listChannels(options, o)))
  channels
    .command('create <name>')
    .description('make one')
    .option('--email <addresses>', 'by mail, to these, separated by commas')
    .option('--smtp <url>', 'by this server: smtp://user:password@host:587')
    .option('--from <address>', 'from this address')
    .option('--slack <url>', 'to an incoming webhook of Slack, or of what takes the same')
    .option('--webhook <url>', 'to a webhook, signed; its secret is shown this once')
    .option('--pagerduty <key>', 'to PagerDuty, by a routing key')
    .action(
      doing(async (o, options: Alerts.ChannelOptions, name: string) =>
        (await loadAlerts()).createChannel(name, options, o),
      ),
    )
  channels
    .command('delete <channel>')
    .description('delete one; what waits for it is not sent')
    .action(
      doing(async (o, options: GlobalOptions, id: string) =>
        (await loadAlerts()).deleteChannel(id, options, o),
      ),
    )
  alerts
    .command('policies')
    .description('what is told to whom')
    .action(doing(async (o, options: GlobalOptions) => (await loadAlerts()).listPolicies(options, o)))
  alerts
    .command('test <channel>')
    .description('send a test, and say how it went')
    .action(
      doing(async (o, options: GlobalOptions, id: string) =>
        (await loadAlerts()).testChannel(id, options, o),
      ),
    )
}
