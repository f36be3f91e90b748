import { randomBytes } from 'node:crypto'

/** A password of 100 random bits, in groups that can be read aloud. */
export function newPassword(): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz023456789'
  const letters = [...randomBytes(20)].map((byte) => alphabet.charAt(byte & 31))
  return [0, 5, 10, 15].map((from) => letters.slice(from, from + 5).join('')).join('-')
}
