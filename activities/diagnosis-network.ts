/** The way to the provider: the name of its host, a connection, the certificate. Where the origin map leads elsewhere, that is told. */
import { certificateFault } from '../model/diagnosis-advice.ts'
import { failed, passed, skipped, warned, type StepFinding } from '../model/diagnosis.ts'
import {
  addressesOf,
  lookAtCertificate,
  placeOf,
  tryConnecting,
  type Certificate,
  type Place,
} from '../platform/reach.ts'
import type { Target } from '../providers/http/origin-map.ts'
import { failedWith, type StepScene } from './diagnosis-step.ts'

const soonDays = 14

const targetOf = ({ deps, provider, connection }: StepScene): Target =>
  deps.transport.locate(provider, connection.settings)

/** " The origin map leads https://… to http://…": nobody should take the sandbox for the provider. */
const redirection = ({ url, redirectedFrom }: Target): string =>
  redirectedFrom === undefined
    ? ''
    : ` The origin map of this hub leads ${redirectedFrom} to ${url.origin}: the provider itself is not asked.`

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown'

export async function lookUpName(scene: StepScene): Promise<StepFinding> {
  const target = targetOf(scene)
  const { host } = placeOf(target.url)
  const facts = { host, redirectedFrom: target.redirectedFrom ?? null }
  try {
    const addresses = await addressesOf(host)
    const told = addresses.slice(0, 3).join(', ')
    const more = addresses.length > 3 ? ` and ${addresses.length - 3} more` : ''
    return passed(`${host} leads to ${told}${more}.${redirection(target)}`, {
      ...facts,
      addresses: addresses.slice(0, 10),
    })
  } catch (error) {
    scene.signal.throwIfAborted()
    const code = codeOf(error)
    const isUnknown = code === 'ENOTFOUND' || code === 'ENODATA'
    const text = isUnknown
      ? `There is no host "${host}".${redirection(target)}`
      : `The name "${host}" could not be looked up (${code}).${redirection(target)}`
    return failedWith('dns', isUnknown ? 'NotFound' : 'Unavailable', text, facts)
  }
}

export const lookAtTls = (scene: StepScene): Promise<StepFinding> =>
  lookAtEncryption(targetOf(scene), scene.deps.clock.now(), scene.signal)

/** @throws what `signal` was aborted with. */
export async function lookAtEncryption(target: Target, now: Date, signal: AbortSignal): Promise<StepFinding> {
  const place = placeOf(target.url)
  const facts = { host: place.host, port: place.port }
  const told = redirection(target)
  try {
    if (target.url.protocol === 'https:')
      return judged(await lookAtCertificate(place, signal), place.host, now, told)
    await tryConnecting(place, signal)
    const text = `${place.host}:${place.port} takes connections; they are not encrypted (plain HTTP), so there is no certificate to look at.`
    return skipped(text + told, null, { ...facts, encrypted: false })
  } catch (error) {
    signal.throwIfAborted()
    return notTrusted(codeOf(error), place, told)
  }
}

function notTrusted(fault: string, { host, port }: Place, told: string): StepFinding {
  const facts = { host, port, fault }
  const certificate = certificateFault(fault)
  if (certificate) {
    const message = `The certificate of ${host}:${port} ${certificate.text} (${fault}).${told}`
    return failed({ code: 'Protocol', message }, certificate.advice, facts)
  }
  const isWay = /^(E[A-Z]+|UND_.*)$/.test(fault) && fault !== 'EPROTO'
  return isWay
    ? failedWith('tls', 'Unavailable', `${host}:${port} cannot be connected to (${fault}).${told}`, facts)
    : failedWith(
        'tls',
        'Protocol',
        `${host}:${port} does not come to an encrypted connection (${fault}).${told}`,
        facts,
      )
}

function judged(
  { protocol, issuer, validTo }: Certificate,
  host: string,
  now: Date,
  told: string,
): StepFinding {
  const daysLeft = Math.floor((validTo.getTime() - now.getTime()) / 86_400_000)
  const text = `${host} shows a certificate by ${issuer} that is valid for ${daysLeft} more days (${protocol}).${told}`
  const facts = { protocol, issuer, validTo: validTo.toISOString(), daysLeft }
  if (daysLeft >= soonDays) return passed(text, facts)
  return warned(text, 'The certificate ends soon: calls will fail from then on unless it is renewed.', facts)
}
