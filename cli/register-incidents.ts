import { Option, type Command } from 'commander'
import type * as Incidents from './commands/incidents.ts'
import type { GlobalOptions } from './client.ts'
import { doing, examples, limit } from './registration.ts'

type Module = typeof Incidents
const load = (): Promise<Module> => import('./commands/incidents.ts')

/** Open problems, and people's answers to them. */
export function registerIncidents(program: Command): void {
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
    .action(doing(async (o, options: Incidents.ListOptions) => (await load()).listIncidents(options, o)))
  incidents
    .command('show <incident>')
    .description('an incident with its timeline, as Markdown that can be passed on')
    .action(
      doing(async (o, options: GlobalOptions, id: string) => (await load()).showIncident(id, options, o)),
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
        (await load()).answerIncident(id, verb, options, o),
      ),
    )
  }
}
