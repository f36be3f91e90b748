/** The `tieline` command. Each command's code is loaded when it is asked for, so that help and status are quick. */
import { Command, CommanderError } from 'commander'
import { messageOf } from '../platform/errors.ts'
import { CliError, type ExitCode } from './cli-error.ts'
import type { GlobalOptions } from './client.ts'
import type * as Connections from './commands/connections.ts'
import type * as ConnectionTest from './commands/connection-test.ts'
import type * as Proofs from './commands/proof.ts'
import type * as Records from './commands/records.ts'
import type * as Runs from './commands/runs.ts'
import type * as Syncs from './commands/sync.ts'
import { registerAutomations } from './register-automations.ts'
import { registerBrand } from './register-brand.ts'
import { registerCommissions } from './register-commissions.ts'
import { registerConnect } from './register-connect.ts'
import { registerCatalogue } from './register-catalogue.ts'
import { registerEndpoints } from './register-endpoints.ts'
import { registerAlerts } from './register-alerts.ts'
import { registerHealth } from './register-health.ts'
import { registerIncidents } from './register-incidents.ts'
import { registerLimits } from './register-limits.ts'
import { registerKeys } from './register-keys.ts'
import { registerMappings } from './register-mappings.ts'
import { registerParts } from './register-parts.ts'
import { registerPartners } from './register-partners.ts'
import { registerRotations } from './register-rotations.ts'
import { registerUpkeep } from './register-upkeep.ts'
import { registerWebhooks } from './register-webhooks.ts'
import { registerWrites } from './register-writes.ts'
import { doing, examples, limit, out } from './registration.ts'

// `tieline … | head` closes the pipe early: that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

const program = new Command('tieline')
  .description('Keeps a business platform in step with third-party services.')
  .option('--api <url>', 'the hub to talk to (default: the one that runs from TIELINE_HOME)')
  .option('--token <token>', 'admin token (default: TIELINE_ADMIN_TOKEN, or the one in TIELINE_HOME)')
  .option('--json', 'one JSON document instead of text')
  .showHelpAfterError('(add --help for what it takes)')
  .showSuggestionAfterError()
  .exitOverride()
  .addHelpText(
    'after',
    examples('up', 'sync', 'sync --dry-run', 'runs list', 'status --json') +
      '\nExit codes: 0 done, 1 failed, 2 bad input, 3 partly failed.',
  )

program
  .command('up')
  .description('start the whole hub on this machine: Postgres, Temporal, worker, API, sandbox')
  .option('--no-sandbox', 'leave out the simulated providers and the sample connection')
  .addHelpText('after', examples('up', 'up --no-sandbox'))
  .action(
    doing(async (_out, options: { sandbox: boolean }) => {
      const [{ readConfig }, { runUp }] = await Promise.all([
        import('../platform/config.ts'),
        import('./up/up.ts'),
      ])
      return (await runUp(readConfig(), { sandbox: options.sandbox })) as ExitCode
    }),
  )

program
  .command('status')
  .description('tell whether the hub of this directory is ready, and where its parts are')
  .option('--secrets', 'show the admin token and the database password')
  .addHelpText('after', examples('status', 'status --json', 'status --json --secrets'))
  .action(
    doing(async (o, options: GlobalOptions & { secrets?: boolean }) =>
      (await import('./commands/status.ts')).status(options, o),
    ),
  )

registerParts(program)

program
  .command('sync')
  .alias('sync:third-party-data')
  .description('bring connections in step with their services and show how it goes')
  .argument('[service]', 'slug of a service; all services when left out')
  .option('--account <id>', 'only connections of this account')
  .option('--connection <id>', 'only this connection')
  .option('--resource <name...>', 'only these resources')
  .option('--full', 'read everything again, as for the first time')
  .option('--force', 'ignore cursors, re-read and re-compare everything')
  .option('--dry-run', 'say what would be written, and write nothing')
  .option('--parallel <number>', 'connections at once, 1 to 50')
  .option('--watch', 'follow the runs to their end (the default)', true)
  .option('--no-watch', 'start, and do not wait')
  .addHelpText(
    'after',
    examples(
      'sync',
      'sync <service>',
      'sync <service> --resource contacts deals',
      'sync <service> --dry-run',
      'sync --force --json',
    ),
  )
  .action(
    doing(async (o, options: Parameters<typeof Syncs.sync>[1], service?: string) =>
      (await import('./commands/sync.ts')).sync(service, options, o),
    ),
  )

const runs = program
  .command('runs')
  .description('look at runs and steer them')
  .addHelpText(
    'after',
    examples(
      'runs list --state running',
      'runs show run_…',
      'runs pause run_…',
      'runs proof run_… --save proof.json',
    ),
  )
runs
  .command('list')
  .description('runs, newest first')
  .option('--connection <id>')
  .option('--service <slug>')
  .option('--state <state>', 'running, paused, waiting, succeeded, failed, partly_failed or cancelled')
  .addOption(limit())
  .action(
    doing(async (o, options: Parameters<typeof Runs.listRuns>[0]) =>
      (await import('./commands/runs.ts')).listRuns(options, o),
    ),
  )
runs
  .command('show <run>')
  .description('one run with its resources')
  .action(
    doing(async (o, options: GlobalOptions, id: string) =>
      (await import('./commands/runs.ts')).showRun(id, options, o),
    ),
  )
for (const verb of ['pause', 'resume', 'cancel'] as const) {
  runs
    .command(`${verb} <run>`)
    .description(`${verb} a run after the page it is at`)
    .action(
      doing(async (o, options: GlobalOptions, id: string) =>
        (await import('./commands/runs.ts')).steerRun(id, verb, options, o),
      ),
    )
}
runs
  .command('speed <run> <pages>')
  .description('bound a run to so many pages a minute, or "max"')
  .action(
    doing(async (o, options: GlobalOptions, id: string, pages: string) =>
      (await import('./commands/runs.ts')).setSpeed(id, pages, options, o),
    ),
  )
runs
  .command('proof [run]')
  .description('check the signed proof of a run')
  .option('--save <file>', 'keep the proof, its pages and the public keys in one file')
  .option('--file <file>', 'check a kept proof; needs no hub')
  .option('--key <file>', 'public keys (JWKS) to trust instead of those in the file')
  .addHelpText(
    'after',
    examples(
      'runs proof run_…',
      'runs proof run_… --save proof.json',
      'runs proof --file proof.json --key keys.json',
    ),
  )
  .action(
    doing(async (o, options: Parameters<typeof Proofs.proof>[1], id?: string) =>
      (await import('./commands/proof.ts')).proof(id, options, o),
    ),
  )
runs
  .command('calls <run>')
  .description("a run's calls to the provider")
  .addOption(limit())
  .action(
    doing(async (o, options: GlobalOptions & { limit: string }, id: string) =>
      (await import('./commands/runs.ts')).listCalls(id, options, o),
    ),
  )

const connections = program
  .command('connections')
  .description('manage connections')
  .addHelpText(
    'after',
    examples(
      'connections list',
      'connections create <service> --from-env',
      'connections test con_…',
      'connections set-credential con_… --secrets secrets.json',
    ),
  )
type ConnectionsModule = typeof Connections
const connectionCommands = (): Promise<ConnectionsModule> => import('./commands/connections.ts')
connections
  .command('list')
  .description('connections')
  .option('--service <slug>')
  .option('--state <state>', 'active, paused, needs_attention or deleted')
  .addOption(limit())
  .action(
    doing(async (o, options: Parameters<ConnectionsModule['listConnections']>[0]) =>
      (await connectionCommands()).listConnections(options, o),
    ),
  )
connections
  .command('show <connection>')
  .description('one connection')
  .action(
    doing(async (o, options: GlobalOptions, id: string) =>
      (await connectionCommands()).showConnection(id, options, o),
    ),
  )
connections
  .command('create <service>')
  .description('connect a service; asks for what is missing on a terminal')
  .option('--name <name>')
  .option('--account <id>', 'account that owns it')
  .option('--set <name=value...>', 'settings that are not secret')
  .option('--every <seconds>', 'interval between syncs')
  .option('--from-env', "take settings and secrets from the hub's environment")
  .option('--sandbox', 'connect the sandbox account of the service')
  .option('--secrets <file>', 'JSON object of secrets; "-" reads standard input')
  .addHelpText(
    'after',
    examples(
      'connections create <service>',
      'connections create <service> --from-env',
      'connections create <service> --set subdomain=acme email=me@acme.com --secrets token.json',
    ),
  )
  .action(
    doing(async (o, options: Parameters<ConnectionsModule['createConnection']>[1], service: string) =>
      (await connectionCommands()).createConnection(service, options, o),
    ),
  )
connections
  .command('test <connection>')
  .description('test every step: host, encryption, credential, permissions, reading, webhooks')
  .option('--write', 'also make one object at the provider and delete it again, where that is safe')
  .addHelpText('after', examples('connections test con_…', 'connections test con_… --write'))
  .action(
    doing(async (o, options: ConnectionTest.TestOptions, id: string) =>
      (await import('./commands/connection-test.ts')).testConnection(id, options, o),
    ),
  )
for (const verb of ['pause', 'resume'] as const) {
  connections
    .command(`${verb} <connection>`)
    .description(`${verb} its schedule and its runs`)
    .action(
      doing(async (o, options: GlobalOptions, id: string) =>
        (await connectionCommands()).steerConnection(id, verb, options, o),
      ),
    )
}
connections
  .command('delete <connection>')
  .description('delete a connection and erase its secrets')
  .action(
    doing(async (o, options: GlobalOptions, id: string) =>
      (await connectionCommands()).deleteConnection(id, options, o),
    ),
  )
connections
  .command('rotate <connection>')
  .description('have the service make a new credential, and end the old one')
  .action(
    doing(async (o, options: GlobalOptions, id: string) =>
      (await connectionCommands()).rotateCredential(id, options, o),
    ),
  )
connections
  .command('set-credential <connection>')
  .description('replace the secrets')
  .option('--from-env', "take them from the hub's environment")
  .option('--secrets <file>', 'JSON object of secrets; "-" reads standard input')
  .action(
    doing(async (o, options: Parameters<ConnectionsModule['setCredential']>[1], id: string) =>
      (await connectionCommands()).setCredential(id, options, o),
    ),
  )

type RecordsModule = typeof Records
const recordCommands = (): Promise<RecordsModule> => import('./commands/records.ts')
const records = program
  .command('records')
  .description('read synced data')
  .addHelpText(
    'after',
    examples(
      'records list --connection con_… --resource tickets',
      'records list --model ticket --since 2026-11-01T00:00:00Z',
      'records show con_… tickets 42',
    ),
  )
records
  .command('list')
  .description('records in the order in which they changed')
  .option('--connection <id>')
  .option('--resource <name>', "a provider's resource; needs --connection")
  .option('--model <name>', "one of the hub's models, across connections")
  .option('--since <time>', 'changed at or after (RFC 3339)')
  .option('--deleted', 'deleted ones too')
  .addOption(limit())
  .action(
    doing(async (o, options: Parameters<RecordsModule['listRecords']>[0]) =>
      (await recordCommands()).listRecords(options, o),
    ),
  )
records
  .command('show <connection> <resource> <id>')
  .description('one record with its history, as JSON')
  .action(
    doing(async (o, options: GlobalOptions, connection: string, resource: string, id: string) =>
      (await recordCommands()).showRecord(connection, resource, id, options, o),
    ),
  )
program
  .command('quarantine <connection>')
  .description('rows that do not fit their schema, and why')
  .addOption(limit())
  .action(
    doing(async (o, options: GlobalOptions & { limit: string }, id: string) =>
      (await recordCommands()).listQuarantine(id, options, o),
    ),
  )
program
  .command('changes')
  .description('what changed in the store, in commit order')
  .option('--after <cursor>')
  .option('--follow', 'go on until Ctrl-C')
  .addOption(limit())
  .action(
    doing(async (o, options: Parameters<RecordsModule['changes']>[0]) =>
      (await recordCommands()).changes(options, o),
    ),
  )
registerPartners(program)
registerConnect(program)
registerCatalogue(program)
registerHealth(program)
registerKeys(program)
registerIncidents(program)
registerAlerts(program)
registerMappings(program)
registerRotations(program)
registerWebhooks(program)
registerBrand(program)
registerEndpoints(program)
registerWrites(program)
registerAutomations(program)
registerLimits(program)
registerCommissions(program)
registerUpkeep(program)

program
  .command('serve <part>')
  .description('run one part alone: api, worker or sandbox (settings from the environment, see .env.example)')
  .addHelpText('after', examples('serve api', 'serve worker'))
  .action(
    doing(async (_o, _options: GlobalOptions, part: string) =>
      (await import('./commands/serve.ts')).serve(part),
    ),
  )

program
  .command('migrate')
  .description('bring the database behind DATABASE_URL up to this code')
  .option('--down <steps>', 'take back so many migrations instead')
  .action(
    doing(async (o, options: { down?: string }) =>
      (await import('./commands/migrate.ts')).migrate(options, o),
    ),
  )

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = exitCodeOf(error)
}

/** One line for what went wrong; 2 where the input was. */
function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  const isInput =
    error instanceof Error && (error.name === 'ConfigError' || (error.name === 'HubError' && 'code' in error))
  out.note(`${out.paint.red('tieline:')} ${messageOf(error)}`)
  return error instanceof CliError ? error.exitCode : isInput ? 2 : 1
}
