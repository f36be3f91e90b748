/** What to do about a step that failed: for whoever asked for the test, a partner or an operator, in their own words. */
import type { DiagnosisStepName } from './diagnosis.ts'
import { isFailureCode } from './failures.ts'

/** By code, whichever step it is; a step may know better. */
const general: Readonly<Partial<Record<string, string>>> = {
  Unauthorized: 'Connect the account again, or put in a new credential: the provider does not take this one.',
  Forbidden:
    'Give the credential the permission that is missing, at the provider, or connect again as somebody who has it.',
  NotFound:
    'Look at the settings of the connection (account, subdomain, region): what they name is not there.',
  Invalid: 'Look at the settings of the connection: the provider does not take what is asked with them.',
  Conflict: 'Test again: the object changed meanwhile.',
  RateLimited: 'Test again in a while: the limit of calls is used up for the moment.',
  QuotaExhausted: 'Test again when the quota is renewed, or have it raised at the provider.',
  Unavailable:
    'Look at the status page of the provider, and whether the network lets the workers through. Syncs go on by themselves once it answers.',
  Protocol:
    'Tell whoever runs the hub: the provider answers in a way that its documentation does not describe.',
  NotConfigured: 'Have whoever runs the hub set up its app at this provider.',
  StateConflict: 'Resume the connection first.',
}

const ofStep: Readonly<Partial<Record<`${DiagnosisStepName} ${string}`, string>>> = {
  'dns NotFound':
    'Look at the settings of the connection (subdomain, region, domain): they lead to a host that does not exist.',
  'dns Unavailable': 'Look at the name server of the machine that the workers run on: it does not answer.',
  'tls Unavailable':
    'Look at the firewall and the proxy of the workers: they must be let out to this host and port.',
  'tls Protocol':
    'Look at what answers at this host and port: it does not speak TLS as the hub does (a proxy that wants plain HTTP, or versions that are too old).',
  'read Forbidden': 'See "Permissions".',
  'write Forbidden':
    'The credential may read and not write: give it the permission to write at the provider, or connect again as somebody who has it. Nothing to do where nothing is to be written.',
  'write Invalid':
    'The account wants more than the usual fields (or has rules of its own): look at what the provider says, and at the mapping of writes.',
  'webhook Unavailable':
    'Look at TIELINE_PUBLIC_URL and at the proxy before the API: webhooks do not get through to the hub by its public address.',
  'webhook Unauthorized': 'Set up the webhooks of the connection again: their secrets do not fit each other.',
  'webhook StateConflict':
    'Enter the missing secret: the provider shows it where its webhooks are set up ("webhooks" of the connection).',
  'webhook NotFound':
    'Set up the webhooks of the connection again: at the provider there is none for it any more.',
}

interface CertificateFault {
  /** Of the certificate: "The certificate of <host> <text>." */
  readonly text: string
  readonly advice: string
}

const notOurs =
  'Where a proxy opens encrypted connections, give the workers its certificate (NODE_EXTRA_CA_CERTS). Otherwise do not go on: somebody else may be answering.'
const selfSigned: CertificateFault = { text: 'is signed by itself, not by anybody known', advice: notOurs }
const unknownSigner: CertificateFault = { text: 'is signed by nobody known', advice: notOurs }

/** By the code of OpenSSL, as Node passes it on. */
const certificateFaults: Readonly<Partial<Record<string, CertificateFault>>> = {
  CERT_HAS_EXPIRED: {
    text: 'has ended',
    advice:
      'Tell the provider that its certificate has ended. Where others reach it without a complaint, look at the clock of the workers.',
  },
  CERT_NOT_YET_VALID: {
    text: 'is not valid yet',
    advice: 'Look at the clock of the workers: it is probably behind.',
  },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    text: 'is made out to another name',
    advice:
      'Look at the settings of the connection (subdomain, region, domain): they lead to a host that is somebody else’s. If they are right, do not go on: somebody else may be answering.',
  },
  CERT_REVOKED: {
    text: 'was revoked',
    advice: 'Do not go on: the provider does not vouch for it any more.',
  },
  DEPTH_ZERO_SELF_SIGNED_CERT: selfSigned,
  SELF_SIGNED_CERT_IN_CHAIN: selfSigned,
  UNABLE_TO_GET_ISSUER_CERT: unknownSigner,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownSigner,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownSigner,
}

/** Undefined for what is no fault of a certificate. */
export const certificateFault = (code: string): CertificateFault | undefined => certificateFaults[code]

/** @param code of `model/failures.ts`. */
export function adviceFor(step: DiagnosisStepName, code: string): string {
  const known = ofStep[`${step} ${code}`] ?? (isFailureCode(code) ? general[code] : undefined)
  return known ?? 'Test again; when it stays so, tell whoever runs the hub.'
}
