/** The settings of the hub that is looked at: this environment's, completed by what the hub of this directory has made itself. */
import { sandboxFor } from '../../sandbox/samples.ts'
import { homeFolder } from '../home-folder.ts'
import { readHubFile, readSecrets } from '../up/home.ts'

export function hubEnvironment(env: NodeJS.ProcessEnv): Readonly<Record<string, string | undefined>> {
  const folder = homeFolder(env)
  const hub = readHubFile(folder)
  const secrets = readSecrets(folder)
  // An embedded hub is looked at only where the environment names no other.
  if (!hub || !secrets || env['DATABASE_URL'] !== undefined) return env
  const url = new URL(hub.databaseUrl)
  if (url.password === '') url.password = secrets.postgresPassword
  const made = {
    DATABASE_URL: url.href,
    TEMPORAL_ADDRESS: hub.temporalAddress,
    TEMPORAL_NAMESPACE: hub.temporalNamespace,
    TIELINE_PUBLIC_URL: hub.api,
    TIELINE_ADMIN_TOKEN: secrets.adminToken,
    TIELINE_ENCRYPTION_KEYS: secrets.encryptionKeys,
    ...(hub.sandbox ? { TIELINE_ORIGIN_MAP: JSON.stringify(sandboxFor(hub.sandbox, env).originMap) } : {}),
  }
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => (value ?? '').trim() !== ''))
  return { ...made, ...given }
}
