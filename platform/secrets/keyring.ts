/** The key ring that wraps data keys: `id:base64 of 32 bytes`, several separated by commas, the first one current. */
import { randomBytes } from 'node:crypto'
import { HubError } from '../errors.ts'

export interface RingKey {
  readonly id: string
  /** 32 bytes. */
  readonly key: Uint8Array
}

export interface KeyRing {
  /** Seals everything new. */
  readonly current: RingKey
  /** The 32 bytes of any key that still opens what it once sealed. */
  find(id: string): Uint8Array | undefined
  readonly ids: readonly string[]
}

/** @throws HubError `InvalidInput` that names TIELINE_ENCRYPTION_KEYS, without showing any of it. */
export function parseKeyRing(text: string): KeyRing {
  const keys = text.split(',').map((part, index): RingKey => {
    const match = /^\s*([\w.-]{1,64}):([A-Za-z0-9+/_-]+={0,2})\s*$/.exec(part)
    const key = match?.[2] === undefined ? undefined : Buffer.from(match[2], 'base64')
    if (match?.[1] === undefined || key?.length !== 32) {
      throw new HubError(
        'InvalidInput',
        `TIELINE_ENCRYPTION_KEYS: entry ${index + 1} should be "<id>:<32 bytes in base64>"`,
      )
    }
    return { id: match[1], key }
  })
  const [current] = keys
  const ids = keys.map((key) => key.id)
  if (!current || new Set(ids).size !== ids.length) {
    throw new HubError('InvalidInput', 'TIELINE_ENCRYPTION_KEYS: each key needs an id of its own')
  }
  return { current, ids, find: (id) => keys.find((key) => key.id === id)?.key }
}

/** A new random key as text, named after the day; a letter more where the name is taken. */
export function newRingKeyText(taken: readonly string[], now: Date = new Date()): string {
  const day = `k${now.toISOString().slice(0, 10).replaceAll('-', '')}`
  let id = day
  for (let n = 2; taken.includes(id); n++) id = `${day}-${n}`
  return `${id}:${randomBytes(32).toString('base64')}`
}

/** The text of a ring with one new random key, named after the day. */
export function newKeyRingText(now: Date = new Date()): string {
  return newRingKeyText([], now)
}
