import type { Command } from 'commander'
import type * as Commissions from './commands/commissions.ts'
import type * as Statements from './commands/statements.ts'
import type { GlobalOptions } from './client.ts'
import { doing, examples, limit } from './registration.ts'

type C = typeof Commissions
type S = typeof Statements
const load = (): Promise<C> => import('./commands/commissions.ts')
const loadStatements = (): Promise<S> => import('./commands/statements.ts')

export function registerCommissions(program: Command): void {
  const commissions = program
    .command('commissions')
    .description('what partners earn, line by line')
    .addHelpText(
      'after',
      examples(
        'commissions list --partner par_… --period 2026-11',
        'commissions show cln_…',
        'commissions plans create Standard --definition @plan.json',
        'commissions attribute acc_… --connection con_… --customer 58',
        'commissions check',
      ),
    )
  commissions
    .command('list')
    .description('lines, newest first')
    .option('--partner <id>')
    .option('--account <id>')
    .option('--period <month>', 'such as 2026-11')
    .option('--state <state>', 'accrued, held, due, in_statement, paid')
    .option('--level <number>', '0: what the partner itself sold')
    .addOption(limit())
    .action(
      doing(async (o, options: Parameters<C['listCommissions']>[0]) =>
        (await load()).listCommissions(options, o),
      ),
    )
  commissions
    .command('show <line>')
    .description('a line with plan, calculation and the document it comes from')
    .action(
      doing(async (o, options: GlobalOptions, id: string) => (await load()).traceCommission(id, options, o)),
    )
  commissions
    .command('attribute <account>')
    .description('say whose customer an account is, or which other partner earns from it')
    .option('--connection <id>', 'to the billing provider')
    .option('--customer <id>', "the provider's id of the customer; all of the connection's when left out")
    .option('--partner <id>', 'the one that the account belongs to when left out')
    .action(
      doing(async (o, options: Parameters<C['attribute']>[1], id: string) =>
        (await load()).attribute(id, options, o),
      ),
    )
  commissions
    .command('check')
    .description('whether the books are in order')
    .action(doing(async (o, options: GlobalOptions) => (await load()).checkBooks(options, o)))
  const plans = commissions.command('plans').description('how much is earned')
  plans
    .command('list')
    .description('the newest version of each')
    .action(doing(async (o, options: GlobalOptions) => (await load()).listPlans(options, o)))
  plans
    .command('create <name>')
    .description('make one: for a partner, a tier, or everybody')
    .requiredOption('--definition <json>', 'JSON object, or @file')
    .option('--partner <id>')
    .option('--tier <name>')
    .option('--from <day>', 'today when left out')
    .action(
      doing(async (o, options: Parameters<C['createPlan']>[1], name: string) =>
        (await load()).createPlan(name, options, o),
      ),
    )
  registerStatements(program)
}

function registerStatements(program: Command): void {
  const statements = program
    .command('statements')
    .description('what is due to partners, month by month')
    .addHelpText(
      'after',
      examples(
        'statements list --state awaiting_approval',
        'statements approve stm_…',
        'statements pay stm_… --reference SEPA-17',
        'statements export stm_… --format pdf',
      ),
    )
  statements
    .command('list')
    .description('newest first')
    .option('--partner <id>')
    .option('--period <month>', 'such as 2026-11')
    .option('--state <state>', 'awaiting_approval, approved, paid, rejected, carried')
    .addOption(limit())
    .action(
      doing(async (o, options: Parameters<S['listStatements']>[0]) =>
        (await loadStatements()).listStatements(options, o),
      ),
    )
  statements
    .command('show <statement>')
    .description('with its lines')
    .action(
      doing(async (o, options: GlobalOptions, id: string) =>
        (await loadStatements()).showStatement(id, options, o),
      ),
    )
  statements
    .command('close <partner> <month>')
    .description('close a month for a partner')
    .action(
      doing(async (o, options: GlobalOptions, id: string, period: string) =>
        (await loadStatements()).closeStatement(id, period, options, o),
      ),
    )
  for (const decision of ['approve', 'reject'] as const)
    statements
      .command(`${decision} <statement>`)
      .description(`${decision} one that waits`)
      .option('--reason <text>', 'needed to reject')
      .action(
        doing(async (o, options: Parameters<S['decideStatement']>[2], id: string) =>
          (await loadStatements()).decideStatement(id, decision, options, o),
        ),
      )
  statements
    .command('pay <statement>')
    .description('record that an approved one was paid')
    .requiredOption('--reference <text>', 'what the payment is found by')
    .option('--on <day>', 'today when left out')
    .action(
      doing(async (o, options: Parameters<S['payStatement']>[1], id: string) =>
        (await loadStatements()).payStatement(id, options, o),
      ),
    )
  statements
    .command('export <statement>')
    .description('write it to a file')
    .option('--format <format>', 'csv or pdf', 'csv')
    .option('-o, --output <file>')
    .action(
      doing(async (o, options: Parameters<S['exportStatement']>[1], id: string) =>
        (await loadStatements()).exportStatement(id, options, o),
      ),
    )
}
