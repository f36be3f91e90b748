/**
 * `tieline secrets rotate-ring`: a new key for the embedded hub's ring. A running hub gets it in two steps, so that no process ever meets
 * what it cannot read: first every process learns the key, then everything new is sealed with it.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { newRingKeyText, parseKeyRing } from '../../platform/secrets/keyring.ts'
import { CliError, type ExitCode } from '../cli-error.ts'
import { need, openApi, type Api, type GlobalOptions } from '../client.ts'
import { homeFolder } from '../home-folder.ts'
import type { Out } from '../print.ts'
import { readHubFile, readSecrets, replaceRing } from '../up/home.ts'
import { reloadSignal } from '../up/reload.ts'

const patienceMs = 120_000

export async function rotateRing(options: GlobalOptions, out: Out): Promise<ExitCode> {
  const folder = homeFolder(process.env)
  const secrets = readSecrets(folder)
  if (!secrets) throw new CliError(`No hub has been started from ${folder}.`, 2)
  if ((process.env['TIELINE_ENCRYPTION_KEYS'] ?? '').trim() !== '')
    throw new CliError(
      'TIELINE_ENCRYPTION_KEYS is set: the ring is in the environment. Put the new key behind the others and restart every process, then in front and restart again.',
      2,
    )
  const old = secrets.encryptionKeys
  const { ids, current } = parseKeyRing(old)
  const made = newRingKeyText(ids)
  const [madeId = ''] = made.split(':')
  const hub = readHubFile(folder)
  if (hub?.running) {
    const api = openApi(options)
    replaceRing(folder, `${old},${made}`)
    out.note(`Every process learns "${madeId}" …`)
    await reloaded(hub.pid, api, ({ keyIds }) => keyIds.includes(madeId))
    replaceRing(folder, `${made},${old}`)
    out.note('Everything new is sealed with it …')
    await reloaded(hub.pid, api, ({ currentKeyId }) => currentKeyId === madeId)
    const body = { kind: 'encryption_key' as const, subject: current.id }
    const { rotationId } = await need(api.POST('/admin/v1/rotations', { body }))
    out.line(
      `"${madeId}" is current. What "${current.id}" wraps is wrapped anew: tieline rotations show ${rotationId}`,
    )
  } else {
    replaceRing(folder, `${made},${old}`)
    out.line(
      `"${madeId}" is current from the next start on. Then: tieline rotations start encryption_key ${current.id}`,
    )
  }
  out.line(`"${current.id}" stays in the ring: "tieline secrets ring" says when nothing needs it any more.`)
  return 0
}

interface Holder {
  readonly part: string
  readonly currentKeyId: string
  readonly keyIds: readonly string[]
}

/** Has the hub restart its parts with the ring as it is now, and waits until each of them shows that it has. */
async function reloaded(pid: number, api: Api, has: (holder: Holder) => boolean): Promise<void> {
  process.kill(pid, reloadSignal)
  const until = Date.now() + patienceMs
  for (;;) {
    await delay(1_000)
    try {
      const { processes } = await need(api.GET('/admin/v1/encryption-keys'))
      const parts = new Set(processes.map(({ part }) => part))
      if (parts.has('api') && parts.has('worker') && processes.every(has)) return
    } catch (error) {
      // The API is being restarted.
      if (!(error instanceof CliError)) throw error
    }
    if (Date.now() > until)
      throw new CliError(
        'The hub did not take the new ring up in time. Both keys are in secrets.json: restart it.',
      )
  }
}
