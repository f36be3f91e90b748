/** The hub cannot be started as it was asked for. The message is one line that names the variable and the remedy; exit code 2. */
export class UpError extends Error {
  override readonly name = 'UpError'
}
