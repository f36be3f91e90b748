/** What the registration of commands shares. */
import { Option, type Command } from 'commander'
import type { ExitCode } from './cli-error.ts'
import { createOut, type Out } from './print.ts'

export const out = createOut()

/** Runs an action with the options of the command and of the program above it, and keeps its exit code. */
export function doing<A extends unknown[]>(
  work: (out: Out, options: never, ...args: A) => Promise<ExitCode | void>,
) {
  return async (...given: unknown[]): Promise<void> => {
    const command = given.at(-1) as Command
    const args = given.slice(0, -2) as A
    process.exitCode = (await work(out, command.optsWithGlobals<never>(), ...args)) ?? 0
  }
}

export const examples = (...lines: string[]): string =>
  `\nExamples:\n${lines.map((line) => `  $ tieline ${line}`).join('\n')}\n`

export const limit = () => new Option('-n, --limit <number>', 'how many at most').default('50')
