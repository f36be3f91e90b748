import { Option, type Command } from 'commander'
import type { GlobalOptions } from './client.ts'
import type * as Keys from './commands/keys.ts'
import { doing, examples, limit } from './registration.ts'

type KeysModule = typeof Keys
const load = (): Promise<KeysModule> => import('./commands/keys.ts')

export function registerKeys(program: Command): void {
  const keys = program
    .command('keys')
    .description('API keys of partners')
    .addHelpText(
      'after',
      examples(
        'keys create "Production" --partner par_… --scopes records.read,connections.read --networks 203.0.113.0/24',
        'keys list --partner par_…',
        'keys rotate key_… --overlap 604800',
        'keys rotate key_… --leak',
        'keys revoke key_… --reason "left the company"',
      ),
    )
  keys
    .command('list')
    .description('API keys, oldest first')
    .option('--partner <id>', 'of this partner only')
    .addOption(new Option('--state <state>', 'only those in this state').choices(['active', 'revoked']))
    .addOption(limit())
    .action(doing(async (o, options: Keys.ListOptions) => (await load()).listKeys(options, o)))
  keys
    .command('create <name>')
    .description('make one; it is shown this once')
    .requiredOption('--scopes <scopes>', 'what it may do, separated by commas: records.read,connections.read')
    .option('--partner <id>', 'whose it is; the hub’s own when left out')
    .option('--test', 'one that reaches only connections to the sandbox')
    .option('--networks <networks>', 'where it may be used from, separated by commas: 203.0.113.0/24')
    .option('--expires <time>', 'when it ends by itself (RFC 3339)')
    .action(
      doing(async (o, options: Keys.CreateOptions, name: string) =>
        (await load()).createKey(name, options, o),
      ),
    )
  keys
    .command('show <key>')
    .description('what it may do, when it was used last, how its rotation stands')
    .action(doing(async (o, options: GlobalOptions, id: string) => (await load()).showKey(id, options, o)))
  keys
    .command('revoke <key>')
    .description('end it for ever, with its access tokens')
    .option('--reason <text>', 'why')
    .action(
      doing(async (o, options: Keys.RevokeOptions, id: string) => (await load()).revokeKey(id, options, o)),
    )
  keys
    .command('rotate <key>')
    .description('a new key; the old one works beside it for the overlap')
    .option('--overlap <seconds>', 'how long; as the partner’s policy says when left out')
    .option('--leak', 'the old one ends at once')
    .action(
      doing(async (o, options: Keys.RotateOptions, id: string) => (await load()).rotateKey(id, options, o)),
    )
}
