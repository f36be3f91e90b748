/** The browser that opened a link: a cookie that only it has, and the token that its forms carry. */
import { createHmac, randomBytes } from 'node:crypto'
import { sha256, timingSafeEqualText } from '../../platform/secrets/hash.ts'

/** How a secret was made for a browser; the hub keeps its hash only. */
export const newBrowserSecret = (): string => randomBytes(32).toString('base64url')

export const browserHashOf = (secret: string): Buffer => sha256(`connect browser:${secret}`)

export function isSameBrowser(kept: Buffer | null, secret: string | undefined): secret is string {
  if (kept === null || secret === undefined) return false
  return timingSafeEqualText(kept.toString('base64'), browserHashOf(secret).toString('base64'))
}

const isHttps = (publicUrl: string): boolean => publicUrl.startsWith('https:')

/** One cookie per session: two sessions may be open side by side. `__Host-` needs https; a loopback hub has none. */
export const cookieName = (publicUrl: string, sessionId: string): string =>
  `${isHttps(publicUrl) ? '__Host-' : ''}tieline-${sessionId}`

/** Lax: the cookie comes along when the provider sends the person back, and with no request that another site makes. */
export function cookieOf(
  publicUrl: string,
  sessionId: string,
  secret: string,
  lifetimeSeconds: number,
): string {
  const secure = isHttps(publicUrl) ? '; Secure' : ''
  return `${cookieName(publicUrl, sessionId)}=${secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${lifetimeSeconds}${secure}`
}

/** What a form of this session in this browser carries; nobody without the cookie can make it. */
export const formTokenOf = (secret: string, sessionId: string): string =>
  createHmac('sha256', secret).update(`connect form:${sessionId}`).digest('base64url')

export const isFormToken = (given: string | null, secret: string, sessionId: string): boolean =>
  given !== null && timingSafeEqualText(given, formTokenOf(secret, sessionId))

/**
 * True for what fetches links before a person does: mail scanners, chat previews, prefetching browsers. It must not use the
 * link up. Scanners that pass for a browser cannot be told; their victim asks for another link.
 */
export function isPreview(headers: {
  readonly userAgent: string
  readonly purpose: string
  readonly method: string
}): boolean {
  return (
    headers.method === 'HEAD' ||
    /prefetch|preview|prerender/i.test(headers.purpose) ||
    /bot\b|crawler|spider|preview|facebookexternalhit|slack|whatsapp|telegram|skypeuri|embedly|headlesspreview/i.test(
      headers.userAgent,
    )
  )
}
