/**
 * Sealing bytes: AES-256-GCM with a random 96-bit nonce. The additional data binds a ciphertext to its place, so that it
 * cannot be moved to another row or column. Layout: one byte version (1), 12 bytes nonce, ciphertext, 16 bytes tag.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto'
import { HubError } from '../errors.ts'
import { randomBytesPooled } from '../random-bytes.ts'

const version = 1
const nonceBytes = 12
const tagBytes = 16

/** @param key 32 bytes. */
export function seal(key: Uint8Array, plain: Uint8Array, additional: string): Buffer {
  const nonce = randomBytesPooled(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  cipher.setAAD(Buffer.from(additional))
  return Buffer.concat([
    Buffer.from([version]),
    nonce,
    cipher.update(plain),
    cipher.final(),
    cipher.getAuthTag(),
  ])
}

/** @throws HubError `Internal` when the bytes were changed, moved, or sealed with another key. Says nothing of the content. */
export function open(key: Uint8Array, sealed: Uint8Array, additional: string): Buffer {
  if (sealed.length < 1 + nonceBytes + tagBytes || sealed[0] !== version)
    throw unreadable('not a sealed value')
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, 1 + nonceBytes))
  decipher.setAAD(Buffer.from(additional))
  decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes))
  try {
    return Buffer.concat([
      decipher.update(sealed.subarray(1 + nonceBytes, sealed.length - tagBytes)),
      decipher.final(),
    ])
  } catch {
    throw unreadable('authentication failed')
  }
}

const unreadable = (why: string) =>
  new HubError('Internal', 'A stored secret cannot be read', { internal: why })
