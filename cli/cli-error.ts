/** Exit codes of the command line (design §8): 0 done, 1 failed, 2 bad input, 3 partly failed. */
export type ExitCode = 0 | 1 | 2 | 3

/** Ends the command with one clear line on standard error. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exitCode: ExitCode

  constructor(message: string, exitCode: ExitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}
