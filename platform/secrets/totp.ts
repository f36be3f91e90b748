/** The second factor: time-based codes (RFC 6238) of an authenticator, and recovery codes for when it is lost. */
import { randomBytes } from 'node:crypto'
import { Secret, TOTP } from 'otpauth'
import { sha256 } from './hash.ts'

const periodSeconds = 30

const totpOf = (secret: string, label: string): TOTP =>
  new TOTP({ issuer: 'Tieline', label, secret: Secret.fromBase32(secret), digits: 6, period: periodSeconds })

/** A new secret, in base 32. */
export const newTotpSecret = (): string => new Secret({ size: 20 }).base32

/** For a QR code. @param label whose: the e-mail address. */
export const totpUri = (secret: string, label: string): string => totpOf(secret, label).toString()

/**
 * The step that a code belongs to: now, or one to either side. Undefined for a wrong one. Whether it was used before is the store's
 * to say.
 */
export function stepOfCode(secret: string, code: string, now: number): number | undefined {
  const delta = totpOf(secret, '').validate({ token: code, timestamp: now, window: 1 })
  return delta === null ? undefined : Math.floor(now / 1000 / periodSeconds) + delta
}

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** Ten codes of 80 random bits, in groups to be read aloud. */
export const newRecoveryCodes = (): readonly string[] =>
  Array.from({ length: 10 }, () =>
    [...randomBytes(16)]
      .map((byte, index) => (index > 0 && index % 4 === 0 ? '-' : '') + alphabet.charAt(byte & 31))
      .join(''),
  )

/** Of a recovery code as it is kept; blanks, hyphens and case do not matter. */
export const hashOfRecoveryCode = (code: string): Buffer =>
  sha256(code.replace(/[\s-]/g, '').toUpperCase().replaceAll('O', '0').replace(/[IL]/g, '1'))
