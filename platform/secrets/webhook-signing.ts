/** Signatures of what the hub sends, as the Standard Webhooks specification has them: `v1` (HMAC) and `v1a` (Ed25519). */
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { Webhook } from 'standardwebhooks'

export type SigningScheme = 'hmac' | 'ed25519'

/** A secret of an endpoint: `whsec_…`, or the private half `whsk_…`. */
export interface SigningSecret {
  readonly scheme: SigningScheme
  readonly secret: string
  /** RFC 3339. */
  readonly createdAt: string
  /** Signs until then; null for the current one. */
  readonly until: string | null
  /** Known by this while it is being replaced; has nothing to do with the secret. */
  readonly id?: string
}

export function newSigningSecret(scheme: SigningScheme, now: Date): SigningSecret {
  const made = { scheme, createdAt: now.toISOString(), until: null }
  if (scheme === 'hmac') return { ...made, secret: `whsec_${randomBytes(32).toString('base64')}` }
  const { d = '', x = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  // As NaCl and the libraries of the specification keep it: the seed, then the public key.
  const whole = Buffer.concat([Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')])
  return { ...made, secret: `whsk_${whole.toString('base64')}` }
}

const seedBytes = 32

function privateKeyOf(secret: string) {
  const whole = Buffer.from(secret.slice('whsk_'.length), 'base64')
  const d = whole.subarray(0, seedBytes).toString('base64url')
  const x = whole.subarray(seedBytes).toString('base64url')
  return createPrivateKey({ key: { kty: 'OKP', crv: 'Ed25519', d, x }, format: 'jwk' })
}

/** What a receiver checks with: the secret itself, or the public half `whpk_…`. */
export function verificationKeyOf({ scheme, secret }: SigningSecret): string {
  if (scheme === 'hmac') return secret
  const { x = '' } = createPublicKey(privateKeyOf(secret)).export({ format: 'jwk' })
  return `whpk_${Buffer.from(x, 'base64url').toString('base64')}`
}

export const isInForce = ({ until }: SigningSecret, now: Date): boolean =>
  until === null || Date.parse(until) > now.getTime()

/** The headers of the specification for a body, signed with every secret that is in force. */
export function signedHeaders(
  secrets: readonly SigningSecret[],
  message: { readonly id: string; readonly body: string },
  now: Date,
): Readonly<Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string>> {
  const timestamp = String(Math.floor(now.getTime() / 1000))
  const signatures = secrets
    .filter((secret) => isInForce(secret, now))
    .map(({ scheme, secret }) => {
      if (scheme === 'hmac') return new Webhook(secret).sign(message.id, now, message.body)
      const content = Buffer.from(`${message.id}.${timestamp}.${message.body}`)
      return `v1a,${sign(null, content, privateKeyOf(secret)).toString('base64')}`
    })
  return {
    'webhook-id': message.id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  }
}
