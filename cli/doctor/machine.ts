/** This machine: Node, disk, settings, key ring, where others reach the hub. */
import { existsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import path from 'node:path'
import type { ConfigProblem, ServiceConfig } from '../../platform/config.ts'
import { messageOf } from '../../platform/errors.ts'
import { parseKeyRing } from '../../platform/secrets/keyring.ts'
import { bad, look, ok, type DoctorFinding } from './finding.ts'

export function checkNode(version = process.versions.node): DoctorFinding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 20 || (major === 20 && minor >= 19)
    ? ok('node', version)
    : bad('node', version, 'The hub needs Node 20.19 or newer.')
}

export const settingsFinding = (problems: readonly ConfigProblem[]): DoctorFinding =>
  problems.length === 0
    ? ok('settings', 'Every variable is as it should be.')
    : bad(
        'settings',
        problems.map(({ variable, remedy }) => `${variable} ${remedy}`).join('; '),
        'Correct these variables; .env.example tells of all. "npm start" makes those of a hub on one machine itself.',
      )

const gigabyte = 2 ** 30

export async function checkDisk({ home }: Pick<ServiceConfig, 'home'>): Promise<DoctorFinding> {
  let folder = home
  while (!existsSync(folder) && path.dirname(folder) !== folder) folder = path.dirname(folder)
  const { bavail, bsize } = await statfs(folder)
  const free = (bavail * bsize) / gigabyte
  const detail = `${free.toFixed(1)} GB are free at ${folder}.`
  if (free < 1) return bad('disk', detail, 'Make room: a database that cannot write stops everything.')
  return free < 5 ? look('disk', detail, 'Make room before it is full.') : ok('disk', detail)
}

const isLocal = (url: string): boolean => /^(localhost|127\.|\[::1\])/.test(new URL(url).hostname)

export function checkOrigins({
  environment,
  originMap,
  publicUrl,
}: Pick<ServiceConfig, 'environment' | 'originMap' | 'publicUrl'>): DoctorFinding {
  const n = Object.keys(originMap).length
  if (n === 0) return ok('origins', 'Calls go to the real services.')
  const detail = `Calls to ${n} ${n === 1 ? 'origin' : 'origins'} go elsewhere (TIELINE_ORIGIN_MAP).`
  // With NODE_ENV=production the hub does not start like this; forgetting that variable must not hide it.
  return isLocal(publicUrl)
    ? look('origins', detail, `That is for trying things out; NODE_ENV is ${environment}.`)
    : bad(
        'origins',
        detail,
        'A hub that others reach must call the real services: take TIELINE_ORIGIN_MAP away.',
      )
}

/** @param inUse keys that something in the store is wrapped by; undefined when it could not be asked. */
export function checkRing(text: string, inUse: readonly string[] | undefined): DoctorFinding {
  const ids = text.split(',').map((entry) => entry.trim().split(':')[0] ?? '')
  try {
    parseKeyRing(text)
  } catch (error) {
    return bad('key ring', messageOf(error), 'Give TIELINE_ENCRYPTION_KEYS as .env.example tells.')
  }
  const missing = (inUse ?? []).filter((id) => !ids.includes(id))
  if (missing.length > 0)
    return bad(
      'key ring',
      `What was wrapped by ${missing.join(', ')} cannot be read.`,
      'Put the key back into TIELINE_ENCRYPTION_KEYS, behind the current one.',
    )
  return ok(
    'key ring',
    `${ids.length} ${ids.length === 1 ? 'key' : 'keys'}; everything in the store can be read.`,
  )
}

export async function checkPublicUrl({
  publicUrl,
  environment,
}: Pick<ServiceConfig, 'publicUrl' | 'environment'>): Promise<DoctorFinding> {
  try {
    const answer = await fetch(`${publicUrl}/readyz`, {
      signal: AbortSignal.timeout(8_000),
      redirect: 'error',
    })
    const body = (await answer.json()) as { readonly ready?: boolean }
    if (body.ready !== true)
      return bad(
        'public URL',
        `${publicUrl} answers, and is not ready.`,
        'The other checks tell what is missing.',
      )
    return isLocal(publicUrl)
      ? look(
          'public URL',
          `${publicUrl} is ready, and only this machine reaches it.`,
          'Set TIELINE_PUBLIC_URL to where services and partners reach the hub: webhooks and consents come back there.',
        )
      : publicUrl.startsWith('http:') && environment === 'production'
        ? bad('public URL', `${publicUrl} is not encrypted.`, 'Put TLS in front of it.')
        : ok('public URL', `${publicUrl} is ready.`)
  } catch (error) {
    const detail = `${publicUrl} does not answer: ${messageOf(error)}.`
    return bad(
      'public URL',
      detail,
      'Start the API, or correct TIELINE_PUBLIC_URL and what stands in front of it.',
    )
  }
}
