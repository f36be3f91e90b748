/** `tieline admin create`: an owner of the hub, straight into its database; the way in when nobody can sign in yet. */
import { openDatabase } from '../../db/client.ts'
import { checkSchema } from '../../db/migrate.ts'
import { makeOwner } from '../../db/owner.ts'
import { newPassword } from '../../platform/secrets/new-password.ts'
import { faultOfPassword, hashPassword } from '../../platform/secrets/password.ts'
import { CliError, type ExitCode } from '../cli-error.ts'
import type { GlobalOptions } from '../client.ts'
import { homeFolder } from '../home-folder.ts'
import type { Out } from '../print.ts'
import { readHubFile, readSecrets } from '../up/home.ts'

export interface CreateOptions extends GlobalOptions {
  readonly email: string
  readonly name?: string
  readonly passwordStdin?: boolean
}

/** The database of DATABASE_URL, or of the hub that runs from TIELINE_HOME. */
function databaseUrl(env: NodeJS.ProcessEnv): string {
  const given = env['DATABASE_URL']
  if (given !== undefined && given !== '') return given
  const folder = homeFolder(env)
  const [hub, secrets] = [readHubFile(folder), readSecrets(folder)]
  if (!hub || !secrets)
    throw new CliError(
      `DATABASE_URL is missing, and no hub runs from ${folder}: say which hub the owner is for.`,
      2,
    )
  const url = new URL(hub.databaseUrl)
  url.password = secrets.postgresPassword
  return url.href
}

async function fromStdin(): Promise<string> {
  let text = ''
  for await (const chunk of process.stdin.setEncoding('utf8')) text += String(chunk)
  return text.replace(/\r?\n$/, '')
}

export async function createAdmin(options: CreateOptions, out: Out): Promise<ExitCode> {
  const email = options.email.trim().toLowerCase()
  if (!/^[^\s@]+@[^\s@]+$/.test(email)) throw new CliError(`"${options.email}" is no e-mail address.`, 2)
  const name = options.name ?? email.slice(0, email.indexOf('@'))
  const given = options.passwordStdin === true ? await fromStdin() : undefined
  const fault = given === undefined ? undefined : await faultOfPassword(given, [email, name])
  if (fault !== undefined) throw new CliError(`The password ${fault}.`, 2)
  const password = given ?? newPassword()
  const database = openDatabase({
    url: databaseUrl(process.env),
    poolSize: 1,
    applicationName: 'tieline-admin',
  })
  try {
    await checkSchema(database.db)
    const passwordHash = await hashPassword(password)
    const wish = { email, name, passwordHash, actor: 'admin', onlyFirst: false }
    if ((await makeOwner(database.db, wish)) === 'known')
      throw new CliError(`There is a person with the address ${email} already.`, 1)
  } finally {
    await database.close()
  }
  const shown = given === undefined ? { password } : {}
  if (options.json) out.json({ email, role: 'owner', ...shown })
  else {
    out.line(`${email} is an owner of this hub.`)
    if (given === undefined) out.line(`Password, shown this once: ${password}`)
  }
  return 0
}
