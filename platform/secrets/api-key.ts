/**
 * API keys as text: `tl_live_<30 characters><6 of checksum>`. The prefix tells people and secret scanners what it is, the checksum
 * (CRC-32, base 62) tells a typo and a scanner's false alarm from a key without asking anybody. Only a hash is stored: 178 random bits
 * cannot be guessed from SHA-256, so that a slow password hash would add nothing but delay.
 */
import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { sha256 } from './hash.ts'

export type KeyMode = 'live' | 'test'

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const randomLength = 30
const shape = new RegExp(`^tl_(live|test)_([0-9A-Za-z]{${randomLength}})([0-9A-Za-z]{6})$`)

export interface MintedKey {
  /** The key itself: shown once. */
  readonly text: string
  readonly hash: Buffer
  /** Its last four characters, to be recognised by. */
  readonly hint: string
}

export function mintApiKey(mode: KeyMode): MintedKey {
  const body = `tl_${mode}_${randomText(randomLength)}`
  const text = body + checksum(body)
  return { text, hash: sha256(text), hint: text.slice(-4) }
}

/** What a text says of itself; undefined when it is no key. Whether there is such a key only the store knows. */
export function readApiKey(text: string): { readonly mode: KeyMode; readonly hash: Buffer } | undefined {
  const [, mode, random, sum] = shape.exec(text) ?? []
  if (mode === undefined || sum !== checksum(`tl_${mode}_${random}`)) return undefined
  return { mode: mode as KeyMode, hash: sha256(text) }
}

/** Looks like one of ours, whether or not it holds. */
export const isLikeApiKey = (text: string): boolean =>
  text.startsWith('tl_live_') || text.startsWith('tl_test_')

function checksum(body: string): string {
  let rest = crc32(body)
  let text = ''
  for (let i = 0; i < 6; i++) {
    text = alphabet.charAt(rest % 62) + text
    rest = Math.floor(rest / 62)
  }
  return text
}

function randomText(length: number): string {
  let text = ''
  // Bytes from 248 on would make the first characters likelier.
  while (text.length < length)
    for (const byte of randomBytes(length)) if (byte < 248) text += alphabet.charAt(byte % 62)
  return text.slice(0, length)
}
