/** Signatures as a receiver checks them: with the library of the specification, and with Node's Ed25519. */
import { createPublicKey, verify } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import {
  newSigningSecret,
  signedHeaders,
  verificationKeyOf,
  type SigningSecret,
} from '../../platform/secrets/webhook-signing.ts'

const now = new Date()
const body = '{"type":"ticket.created","data":{"name":"Zoë"}}'
const message = { id: 'ev_812_4', body }

/** As a receiver does it that knows only `whpk_…`. */
function verifyAsymmetric(
  publicKey: string,
  headers: ReturnType<typeof signedHeaders>,
  text: string,
): boolean {
  const x = Buffer.from(publicKey.slice('whpk_'.length), 'base64').toString('base64url')
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  const content = Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${text}`)
  return headers['webhook-signature']
    .split(' ')
    .filter((one) => one.startsWith('v1a,'))
    .some((one) => verify(null, content, key, Buffer.from(one.slice(4), 'base64')))
}

describe('HMAC', () => {
  const secret = newSigningSecret('hmac', now)

  it('is accepted by the library; a flipped byte, another id or another secret is not', () => {
    const headers = signedHeaders([secret], message, now)
    const key = verificationKeyOf(secret)
    expect(key).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect(new Webhook(key).verify(body, headers)).toEqual(JSON.parse(body))
    expect(() => new Webhook(key).verify(body.replace('Zoë', 'Zoe'), headers)).toThrow(
      /No matching signature/,
    )
    expect(() => new Webhook(key).verify(body, { ...headers, 'webhook-id': 'ev_812_5' })).toThrow()
    expect(() => new Webhook(newSigningSecret('hmac', now).secret).verify(body, headers)).toThrow()
  })

  it('carries the moment of the attempt: an old one is refused', () => {
    const old = signedHeaders([secret], message, new Date(now.getTime() - 3_600_000))
    expect(() => new Webhook(secret.secret).verify(body, old)).toThrow(/too old/)
  })
})

describe('Ed25519', () => {
  const secret = newSigningSecret('ed25519', now)
  const publicKey = verificationKeyOf(secret)

  it('is accepted with the public half, which is all that the receiver is given', () => {
    const headers = signedHeaders([secret], message, now)
    expect(publicKey).toMatch(/^whpk_[A-Za-z0-9+/]{43}=$/)
    expect(secret.secret.startsWith('whsk_')).toBe(true)
    expect(Buffer.from(secret.secret.slice(5), 'base64')).toHaveLength(64)
    expect(verifyAsymmetric(publicKey, headers, body)).toBe(true)
    expect(verifyAsymmetric(publicKey, headers, `${body} `)).toBe(false)
    expect(verifyAsymmetric(verificationKeyOf(newSigningSecret('ed25519', now)), headers, body)).toBe(false)
  })
})

describe('the overlap of a rotation', () => {
  const current = newSigningSecret('ed25519', now)
  const old: SigningSecret = {
    ...newSigningSecret('hmac', now),
    until: new Date(now.getTime() + 60_000).toISOString(),
  }

  it('old and new both sign until the old one ends, of different schemes too', () => {
    const during = signedHeaders([current, old], message, now)
    expect(during['webhook-signature'].split(' ')).toHaveLength(2)
    expect(new Webhook(old.secret).verify(body, during)).toBeTruthy()
    expect(verifyAsymmetric(verificationKeyOf(current), during, body)).toBe(true)
    const after = signedHeaders([current, old], message, new Date(now.getTime() + 60_000))
    expect(after['webhook-signature']).toMatch(/^v1a,\S+$/)
  })
})
