import { Option, type Command } from 'commander'
import type { GlobalOptions } from './client.ts'
import type * as Limits from './commands/limits.ts'
import type { UsageOptions } from './commands/usage.ts'
import { doing, examples, limit } from './registration.ts'

type LimitsModule = typeof Limits
const load = (): Promise<LimitsModule> => import('./commands/limits.ts')

/** How much callers may ask, and what they have asked. */
export function registerLimits(program: Command): void {
  const limits = program
    .command('limits')
    .description('tiers, and the limits of partners and keys')
    .addHelpText(
      'after',
      examples(
        'limits tiers',
        'limits show par_…',
        'limits set par_… --tier plus --overrides \'{"quotas":{"calls":{"hard":2000000}}}\'',
        'limits set-key key_… --overrides \'{"reads":{"burst":50}}\'',
        'limits set-tier gold --title Gold --limits @gold.json',
      ),
    )
  limits
    .command('tiers')
    .description('all tiers; --json shows their limits in full')
    .action(doing(async (o, options: GlobalOptions) => (await load()).listTiers(options, o)))
  limits
    .command('show <partner>')
    .description('what holds for a partner')
    .action(
      doing(async (o, options: GlobalOptions, id: string) =>
        (await load()).showPartnerLimits(id, options, o),
      ),
    )
  limits
    .command('set <partner>')
    .description('give a partner a tier, and what it has otherwise')
    .option('--tier <name>', 'the one it has when left out')
    .option('--overrides <json>', 'JSON object, or @file; "{}" takes all of them back')
    .action(
      doing(async (o, options: Limits.SetOptions, id: string) =>
        (await load()).setPartnerLimits(id, options, o),
      ),
    )
  limits
    .command('set-key <key>')
    .description('what a key has otherwise')
    .requiredOption('--overrides <json>', 'JSON object, or @file; "{}" takes all of them back')
    .action(
      doing(async (o, options: Limits.SetKeyOptions, id: string) =>
        (await load()).setKeyLimits(id, options, o),
      ),
    )
  limits
    .command('set-tier <name>')
    .description('make a tier, or change one')
    .requiredOption('--title <text>')
    .requiredOption('--limits <json>', 'JSON object, or @file')
    .action(
      doing(async (o, options: Limits.TierOptions, name: string) => (await load()).setTier(name, options, o)),
    )
  registerUsage(program)
}

function registerUsage(program: Command): void {
  program
    .command('usage')
    .description('calls, records and connections by day, operation, account, key or partner')
    .option('--from <day>', 'first day (UTC); 30 days before the last when left out')
    .option('--to <day>', 'last day (UTC); today when left out')
    .addOption(
      new Option('--by <group>', 'what is summed')
        .choices(['day', 'operation', 'account', 'key', 'partner'])
        .default('day'),
    )
    .option('--partner <id>')
    .option('--account <id>')
    .option('--key <id>')
    .option('--operation <name>')
    .addOption(limit())
    .addHelpText(
      'after',
      examples('usage', 'usage --by partner --from 2026-11-01', 'usage --partner par_… --by key'),
    )
    .action(
      doing(async (o, options: UsageOptions) => (await import('./commands/usage.ts')).showUsage(options, o)),
    )
}
