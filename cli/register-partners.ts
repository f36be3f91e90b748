/** `tieline partners`, `tieline accounts`, `tieline admin`. */
import { Option, type Command } from 'commander'
import type * as Accounts from './commands/accounts.ts'
import type * as Admin from './commands/admin.ts'
import type * as Partners from './commands/partners.ts'
import type { GlobalOptions } from './client.ts'
import { doing, examples, limit } from './registration.ts'

type PartnersModule = typeof Partners
type AccountsModule = typeof Accounts
const load = (): Promise<PartnersModule> => import('./commands/partners.ts')
const loadAccounts = (): Promise<AccountsModule> => import('./commands/accounts.ts')

export function registerPartners(program: Command): void {
  registerPartnerCommands(program)
  registerAccountCommands(program)
  program
    .command('admin')
    .description('people who run the hub')
    .command('create')
    .description('make an owner of the hub, straight in its database')
    .requiredOption('--email <address>', 'to sign in with')
    .option('--name <name>', 'how the person is called')
    .option('--password-stdin', 'read the password from standard input; otherwise one is made and shown once')
    .addHelpText('after', examples('admin create --email ada@acme.example'))
    .action(
      doing(async (o, options: Admin.CreateOptions) =>
        (await import('./commands/admin.ts')).createAdmin(options, o),
      ),
    )
}

function registerPartnerCommands(program: Command): void {
  const partners = program
    .command('partners')
    .description('who resells the hub, as a tree')
    .addHelpText(
      'after',
      examples(
        'partners create "Acme Resale"',
        'partners create "Acme North" --parent par_…',
        'partners move par_… --below par_…',
        'partners suspend par_…',
      ),
    )
  partners
    .command('list')
    .description('partners, oldest first')
    .option('--parent <partner>', 'directly below this one only')
    .addOption(new Option('--state <state>').choices(['active', 'suspended', 'closed']))
    .addOption(limit())
    .action(doing(async (o, options: Partners.ListOptions) => (await load()).listPartners(options, o)))
  partners
    .command('create <name>')
    .description('make one')
    .option('--parent <partner>', 'below this one; at the top when left out')
    .option('--tier <tier>')
    .action(
      doing(async (o, options: Parameters<PartnersModule['createPartner']>[1], name: string) =>
        (await load()).createPartner(name, options, o),
      ),
    )
  partners
    .command('show <partner>')
    .description('one partner')
    .action(
      doing(async (o, options: GlobalOptions, id: string) => (await load()).showPartner(id, options, o)),
    )
  partners
    .command('update <partner>')
    .description('change what is given')
    .option('--name <name>')
    .option('--tier <tier>')
    .action(
      doing(async (o, options: Parameters<PartnersModule['updatePartner']>[1], id: string) =>
        (await load()).updatePartner(id, options, o),
      ),
    )
  partners
    .command('move <partner>')
    .description('put it, with all that is below it, somewhere else')
    .option('--below <partner>', 'below this one')
    .option('--top', 'below nobody')
    .action(
      doing(async (o, options: Parameters<PartnersModule['movePartner']>[1], id: string) =>
        (await load()).movePartner(id, options, o),
      ),
    )
  for (const step of ['suspend', 'resume', 'close'] as const)
    partners
      .command(`${step} <partner>`)
      .description(
        {
          suspend: 'refuse its keys and people, and those of all below it',
          resume: 'let a suspended one work again',
          close: 'refuse them for ever',
        }[step],
      )
      .action(
        doing(async (o, options: GlobalOptions, id: string) =>
          (await load()).stepPartner(id, step, options, o),
        ),
      )
}

function registerAccountCommands(program: Command): void {
  const accounts = program
    .command('accounts')
    .description("partners' customers, who own connections")
    .addHelpText(
      'after',
      examples('accounts list --partner par_…', 'accounts create Acme --partner par_… --external-id c-42'),
    )
  accounts
    .command('list')
    .description('accounts, oldest first')
    .option('--partner <partner>', 'of this one only')
    .option('--external-id <id>', 'that its partner calls so')
    .addOption(limit())
    .action(
      doing(async (o, options: Parameters<AccountsModule['listAccounts']>[0]) =>
        (await loadAccounts()).listAccounts(options, o),
      ),
    )
  accounts
    .command('create <name>')
    .description('make one')
    .requiredOption('--partner <partner>', 'whose')
    .option('--external-id <id>', 'what its partner calls it')
    .action(
      doing(async (o, options: Parameters<AccountsModule['createAccount']>[1], name: string) =>
        (await loadAccounts()).createAccount(name, options, o),
      ),
    )
  accounts
    .command('show <account>')
    .description('one account')
    .action(
      doing(async (o, options: GlobalOptions, id: string) =>
        (await loadAccounts()).showAccount(id, options, o),
      ),
    )
  accounts
    .command('update <account>')
    .description('change what is given')
    .option('--name <name>')
    .option('--external-id <id>')
    .action(
      doing(async (o, options: Parameters<AccountsModule['updateAccount']>[1], id: string) =>
        (await loadAccounts()).updateAccount(id, options, o),
      ),
    )
  accounts
    .command('close <account>')
    .description('close one that has no connections any more')
    .action(
      doing(async (o, options: GlobalOptions, id: string) =>
        (await loadAccounts()).closeAccount(id, options, o),
      ),
    )
}
