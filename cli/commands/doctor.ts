/** `tieline doctor`: is this installation as it should be, and what to do where it is not. */
import { ConfigError, readServiceConfig, type ServiceConfig } from '../../platform/config.ts'
import type { ExitCode } from '../cli-error.ts'
import { lookAtDatabase } from '../doctor/database.ts'
import type { DoctorFinding } from '../doctor/finding.ts'
import {
  checkDisk,
  checkNode,
  checkOrigins,
  checkPublicUrl,
  checkRing,
  settingsFinding,
} from '../doctor/machine.ts'
import { hubEnvironment } from '../doctor/settings.ts'
import { lookAtTemporal } from '../doctor/temporal.ts'
import type { Out } from '../print.ts'

/** 0: all is well, or merely worth a look. 1: something is to be done. */
export async function doctor(options: { readonly json?: boolean }, out: Out): Promise<ExitCode> {
  const findings = await examine(process.env)
  const isWell = findings.every(({ state }) => state !== 'bad')
  if (options.json) out.json({ ok: isWell, findings })
  else for (const finding of findings) print(finding, out)
  return isWell ? 0 : 1
}

/** Everything that can be looked at with these settings; what needs those that are wrong is left out. */
export async function examine(env: NodeJS.ProcessEnv): Promise<DoctorFinding[]> {
  const node = checkNode()
  let config: ServiceConfig
  try {
    config = readServiceConfig(hubEnvironment(env))
  } catch (error) {
    if (error instanceof ConfigError) return [node, settingsFinding(error.problems)]
    throw error
  }
  const database = await lookAtDatabase(config.databaseUrl)
  return [
    node,
    settingsFinding([]),
    await checkDisk(config),
    checkOrigins(config),
    checkRing(config.encryptionKeys, database.ringKeys),
    ...database.findings,
    ...(await lookAtTemporal(config)),
    await checkPublicUrl(config),
  ]
}

function print({ check, state, detail, advice }: DoctorFinding, { line, paint }: Out): void {
  const mark = { ok: paint.green('ok  '), look: paint.yellow('look'), bad: paint.red('bad ') }[state]
  line(`${mark}  ${check.padEnd(17)}  ${detail}`)
  if (advice !== null) line(`      ${''.padEnd(17)}  ${advice}`)
}
