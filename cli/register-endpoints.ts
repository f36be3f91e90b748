import { Option, type Command } from 'commander'
import type * as Deliveries from './commands/deliveries.ts'
import type * as Endpoints from './commands/endpoints.ts'
import type { GlobalOptions } from './client.ts'
import { doing, examples, limit } from './registration.ts'

type EndpointsModule = typeof Endpoints
type DeliveriesModule = typeof Deliveries
const load = (): Promise<EndpointsModule> => import('./commands/endpoints.ts')
const loadDeliveries = (): Promise<DeliveriesModule> => import('./commands/deliveries.ts')

const signing = () => new Option('--signing <scheme>', 'how it is signed').choices(['hmac', 'ed25519'])

const withWishes = (command: Command): Command =>
  command
    .option('--description <text>')
    .option('--ordered', 'one at a time, in the order of the stream')
    .option('--concurrency <number>', 'at once, at most')
    .option('--rate <number>', 'a second, at most')

export function registerEndpoints(program: Command): void {
  registerEndpointCommands(program)
  registerDeliveryCommands(program)
  registerEventCommands(program)
}

function registerEndpointCommands(program: Command): void {
  const endpoints = program
    .command('endpoints')
    .description('where partners want events sent')
    .addHelpText(
      'after',
      examples(
        'endpoints create https://partner.example/webhooks --types "ticket.*,sync.failed" --ordered',
        'endpoints test end_…',
        'endpoints rotate end_… --overlap 3600',
        'endpoints show end_…',
      ),
    )
  endpoints
    .command('list')
    .description('endpoints, oldest first')
    .option('--partner <id>', 'of this partner only')
    .addOption(limit())
    .action(
      doing(async (o, options: Parameters<EndpointsModule['listEndpoints']>[0]) =>
        (await load()).listEndpoints(options, o),
      ),
    )
  withWishes(
    endpoints
      .command('create <url>')
      .description('make one; its secret is shown this once')
      .requiredOption('--types <types>', 'types of events, separated by commas: ticket.created, ticket.*, *')
      .option('--partner <id>', 'whose it is; the hub’s own when left out')
      .addOption(signing().default('hmac')),
  ).action(
    doing(async (o, options: Endpoints.CreateOptions, url: string) =>
      (await load()).createEndpoint(url, options, o),
    ),
  )
  endpoints
    .command('show <endpoint>')
    .description('how it does')
    .action(
      doing(async (o, options: GlobalOptions, id: string) => (await load()).showEndpoint(id, options, o)),
    )
  withWishes(
    endpoints
      .command('update <endpoint>')
      .description('change what is given')
      .option('--url <url>')
      .option('--types <types>', 'types of events, separated by commas'),
  )
    // After --ordered: before it, it would make that the default.
    .option('--no-ordered', 'in any order')
    .action(
      doing(async (o, options: Endpoints.UpdateOptions, id: string) =>
        (await load()).updateEndpoint(id, options, o),
      ),
    )
  endpoints
    .command('delete <endpoint>')
    .description('delete it; what is on its way is not sent')
    .action(
      doing(async (o, options: GlobalOptions, id: string) => (await load()).deleteEndpoint(id, options, o)),
    )
  endpoints
    .command('rotate <endpoint>')
    .description('a new secret; the old one signs beside it for the overlap')
    .option('--overlap <seconds>', 'how long', '86400')
    .addOption(signing())
    .action(
      doing(async (o, options: Parameters<EndpointsModule['rotateSecret']>[1], id: string) =>
        (await load()).rotateSecret(id, options, o),
      ),
    )
  endpoints
    .command('test <endpoint>')
    .description('send a test event, and say what came back')
    .action(
      doing(async (o, options: GlobalOptions, id: string) => (await load()).testEndpoint(id, options, o)),
    )
  for (const verb of ['enable', 'disable'] as const)
    endpoints
      .command(`${verb} <endpoint>`)
      .description(verb === 'enable' ? 'serve it again, with what it has missed' : 'send it nothing more')
      .action(
        doing(async (o, options: GlobalOptions, id: string) =>
          (await load()).switchEndpoint(id, verb, options, o),
        ),
      )
}

function registerDeliveryCommands(program: Command): void {
  const deliveries = program
    .command('deliveries')
    .description('events on their way to endpoints, and what came back')
    .addHelpText(
      'after',
      examples(
        'deliveries list --endpoint end_… --state failed',
        'deliveries show dlv_…',
        'deliveries replay dlv_…',
        'deliveries replay --endpoint end_… --since 2h',
      ),
    )
  deliveries
    .command('list')
    .description('deliveries, newest first')
    .option('--endpoint <id>', 'to this endpoint only')
    .addOption(
      new Option('--state <state>', 'only those in this state').choices([
        'waiting',
        'delivered',
        'failed',
        'discarded',
      ]),
    )
    .option('--types <types>', 'types of events, separated by commas')
    .option('--event <id>', 'of this event only')
    .option('--since <time>', 'made then or later; also 30m, 2h, 3d')
    .option('--until <time>', 'made before')
    .addOption(limit())
    .action(
      doing(async (o, options: Deliveries.FilterOptions) =>
        (await loadDeliveries()).listDeliveries(options, o),
      ),
    )
  deliveries
    .command('show <delivery>')
    .description('a delivery with every attempt')
    .action(
      doing(async (o, options: GlobalOptions, id: string) =>
        (await loadDeliveries()).showDelivery(id, options, o),
      ),
    )
  deliveries
    .command('replay [delivery]')
    .description('send again: one delivery, or events of an endpoint by id, time and type')
    .option('--endpoint <id>', 'whose')
    .option('--events <id...>', 'these events')
    .option('--since <time>', 'what was given up then or later; also 30m, 2h, 3d')
    .option('--until <time>', 'and before')
    .option('--types <types>', 'types of events, separated by commas')
    .option('--all', 'every event of that time, not only what was given up')
    .action(
      doing(async (o, options: Deliveries.ReplayOptions, id: string | undefined) =>
        (await loadDeliveries()).replay(id, options, o),
      ),
    )
}

function registerEventCommands(program: Command): void {
  const events = program
    .command('events')
    .description('the stream of what has happened')
    .addHelpText('after', examples('events list --types "ticket.*"', 'events tail', 'events types'))
  events
    .command('list')
    .description('events, oldest first')
    .option('--partner <id>', 'of this partner only')
    .option('--types <types>', 'types, separated by commas')
    .option('--after <cursor>', 'go on from there')
    .addOption(limit())
    .action(
      doing(async (o, options: Deliveries.EventOptions) => (await loadDeliveries()).listEvents(options, o)),
    )
  events
    .command('tail')
    .description('what happens from now on')
    .option('--partner <id>', 'of this partner only')
    .option('--types <types>', 'types, separated by commas')
    .option('--after <cursor>', 'from there')
    .option('--seconds <number>', 'end after so long')
    .action(
      doing(async (o, options: Parameters<DeliveriesModule['tailEvents']>[0]) =>
        (await loadDeliveries()).tailEvents(options, o),
      ),
    )
  events
    .command('types')
    .description('what there is to subscribe to')
    .action(doing(async (o, options: GlobalOptions) => (await loadDeliveries()).listTypes(options, o)))
}
