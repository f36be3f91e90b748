import type { Command } from 'commander'
import type { GlobalOptions } from './client.ts'
import type * as Reviews from './commands/reviews.ts'
import { doing, examples, limit } from './registration.ts'

type ReviewsModule = typeof Reviews
const load = (): Promise<ReviewsModule> => import('./commands/reviews.ts')

/** How the hub itself is. */
export function registerUpkeep(program: Command): void {
  program
    .command('doctor')
    .description('check the installation itself, and say what to do')
    .addHelpText(
      'after',
      examples('doctor', 'doctor --json') +
        '\nLooks at the hub of DATABASE_URL, else at the one that runs from TIELINE_HOME. Exit codes: 0 well, 1 something is to be done.',
    )
    .action(
      doing(async (o, options: GlobalOptions) => (await import('./commands/doctor.ts')).doctor(options, o)),
    )
  const reviews = program
    .command('reviews')
    .description(
      "the hub's looks at itself: health by the day, performance by the week, security by the month",
    )
    .addHelpText(
      'after',
      examples('reviews list', 'reviews show security', 'reviews show rev_…', 'reviews run performance'),
    )
  reviews
    .command('list')
    .description('reviews, newest first')
    .option('--kind <kind>', 'health, performance, security or retention')
    .addOption(limit())
    .action(
      doing(async (o, options: Parameters<ReviewsModule['listReviews']>[0]) =>
        (await load()).listReviews(options, o),
      ),
    )
  reviews
    .command('show <review>')
    .description('one by its id, or the last of a kind')
    .action(
      doing(async (o, options: GlobalOptions, review: string) =>
        (await load()).showReview(review, options, o),
      ),
    )
  reviews
    .command('run <kind>')
    .description('make one now, and show it; "retention" removes what is older than its period')
    .action(
      doing(async (o, options: GlobalOptions, kind: string) => (await load()).runReview(kind, options, o)),
    )
}
