import { Option, type Command } from 'commander'
import type { GlobalOptions } from './client.ts'
import type * as Ring from './commands/rotate-ring.ts'
import type * as Rotations from './commands/rotations.ts'
import { doing, examples, limit } from './registration.ts'

type Module = typeof Rotations
const load = (): Promise<Module> => import('./commands/rotations.ts')

/** Secrets that are replaced without a gap; the keys that seal what the hub keeps; the hub's apps at services. */
export function registerRotations(program: Command): void {
  const rotations = program
    .command('rotations')
    .description('replace secrets without a gap: of webhooks, endpoints, apps; keys that sign and seal')
    .addHelpText(
      'after',
      examples(
        'rotations list',
        'rotations start webhook_secret con_…',
        'rotations start signing_key access',
        'rotations secret rot_…',
        'rotations confirm rot_…',
        'rotations extend rot_… 86400',
      ),
    )
  rotations
    .command('list')
    .description('those under way, newest first')
    .addOption(
      new Option('--kind <kind>').choices([
        'webhook_secret',
        'endpoint_secret',
        'signing_key',
        'encryption_key',
        'client_secret',
      ]),
    )
    .option('--subject <id>', 'only those of this connection, endpoint, key or service')
    .option('--all', 'those that have ended too')
    .addOption(limit())
    .action(
      doing(async (o, options: Parameters<Module['listRotations']>[0]) =>
        (await load()).listRotations(options, o),
      ),
    )
  rotations
    .command('start <kind> <subject>')
    .description('begin one, or join the one under way')
    .option('--name <secret>', 'which secret of the webhooks')
    .option('--grace <seconds>', 'how long both are valid at most')
    .option('--quiet <seconds>', 'not used for so long, the old one goes')
    .action(
      doing(async (o, options: Parameters<Module['startRotation']>[2], kind: string, subject: string) =>
        (await load()).startRotation(kind, subject, options, o),
      ),
    )
  rotations
    .command('show <rotation>')
    .description('one, with what there is to do')
    .action(
      doing(async (o, options: GlobalOptions, id: string) => (await load()).showRotation(id, options, o)),
    )
  const verbs = {
    'revoke-now': 'end the old one at once',
    cancel: 'take the new one back',
    confirm: 'say that what was asked is done',
  } as const
  for (const verb of ['revoke-now', 'cancel', 'confirm'] as const)
    rotations
      .command(`${verb} <rotation>`)
      .description(verbs[verb])
      .action(
        doing(async (o, options: GlobalOptions, id: string) =>
          (await load()).steerRotation(id, verb, options, o),
        ),
      )
  rotations
    .command('extend <rotation> <seconds>')
    .description('let both live longer')
    .action(
      doing(async (o, options: GlobalOptions, id: string, text: string) =>
        (await load()).extendRotation(id, text, options, o),
      ),
    )
  rotations
    .command('secret <rotation>')
    .description('show the new secret, to be entered where it is used')
    .action(doing(async (o, options: GlobalOptions, id: string) => (await load()).showSecret(id, options, o)))
  rotations
    .command('enter <rotation>')
    .description('enter a new secret that the service has made')
    .option('--from <file>', 'file that holds it; "-" reads standard input', '-')
    .action(
      doing(async (o, options: Parameters<Module['enterSecret']>[1], id: string) =>
        (await load()).enterSecret(id, options, o),
      ),
    )
  program.commands
    .find((command) => command.name() === 'providers')
    ?.command('app <service>')
    .description("show, or enter, the hub's own app at a service")
    .option('--client-id <id>', 'stays as it is when left out')
    .option('--from <file>', 'file that holds the client secret; "-" reads standard input')
    .action(
      doing(async (o, options: Parameters<Module['enterApp']>[1], service: string) =>
        (await load()).enterApp(service, options, o),
      ),
    )
  const secrets = program
    .command('secrets')
    .description('the keys that seal what the hub keeps')
    .addHelpText('after', examples('secrets ring', 'secrets rotate-ring'))
  secrets
    .command('ring')
    .description('which keys there are, what needs each, which may be taken out')
    .action(doing(async (o, options: GlobalOptions) => (await load()).listRing(options, o)))
  secrets
    .command('rotate-ring')
    .description(
      "put a new key in front of the embedded hub's ring, keep the old ones, and re-wrap what they wrap",
    )
    .action(
      doing(async (o, options: Parameters<(typeof Ring)['rotateRing']>[0]) =>
        (await import('./commands/rotate-ring.ts')).rotateRing(options, o),
      ),
    )
}
