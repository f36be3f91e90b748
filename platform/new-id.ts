import { idPrefixes, type IdKind } from '../model/ids.ts'
import { randomBytesPooled } from './random-bytes.ts'

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** A new time-ordered id of the given kind, see `model/ids.ts`. */
export function newId(kind: IdKind, now: number = Date.now()): string {
  let time = ''
  for (let rest = now, i = 0; i < 10; i++) {
    time = alphabet.charAt(rest % 32) + time
    rest = Math.floor(rest / 32)
  }
  let random = ''
  for (const byte of randomBytesPooled(16)) random += alphabet.charAt(byte & 31)
  return `${idPrefixes[kind]}_${time}${random}`
}
