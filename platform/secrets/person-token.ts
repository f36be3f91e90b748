/** Tokens of people: of a session (`tl_ses_…`) and of an invitation (`tl_inv_…`). 256 random bits; only a hash is kept. */
import { randomBytes } from 'node:crypto'
import { sha256 } from './hash.ts'

type Kind = 'ses' | 'inv'

export function mintPersonToken(kind: Kind): { readonly text: string; readonly hash: Buffer } {
  const text = `tl_${kind}_${randomBytes(32).toString('base64url')}`
  return { text, hash: sha256(text) }
}

/** The hash by which a token is known; undefined for what is none of this kind. */
export const readPersonToken = (kind: Kind, text: string): Buffer | undefined =>
  new RegExp(`^tl_${kind}_[A-Za-z0-9_-]{43}$`).test(text) ? sha256(text) : undefined

export const isLikeSessionToken = (text: string): boolean => text.startsWith('tl_ses_')
