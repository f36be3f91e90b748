/** Passwords: Argon2id by `@node-rs/argon2`, with OWASP's parameters; and which ones are not good enough (NIST SP 800-63B). */
import { hash, verify } from '@node-rs/argon2'

// Argon2id, version 1.3 are the library's own defaults.
const options = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const

export const shortestPassword = 12

export const hashPassword = (password: string): Promise<string> => hash(password.normalize('NFKC'), options)

/** Of a password that nobody has: what an unknown person's attempt is measured against, so that it takes as long. */
let nobodys: Promise<string> | undefined

/** @param known the hash that is kept; null or undefined: there is none, and no password fits. */
export async function isPassword(known: string | null | undefined, password: string): Promise<boolean> {
  nobodys ??= hashPassword('the password of nobody at all')
  const fits = await verify(known ?? (await nobodys), password.normalize('NFKC'))
  return fits && typeof known === 'string'
}

/**
 * What is wrong with a new password; undefined when nothing is.
 * @param about what whoever guesses would try first: name, e-mail address.
 */
export async function faultOfPassword(
  password: string,
  about: readonly string[],
): Promise<string | undefined> {
  if ([...password].length < shortestPassword) return `should have at least ${shortestPassword} characters`
  const check = await loadStrength()
  const words = about.flatMap((text) => [text, ...text.split(/[\s@.]+/)]).filter((word) => word.length > 2)
  return check(password.slice(0, 100), [...words, 'tieline']) < 3
    ? 'is too easy to guess: many people use it, or it repeats itself or names you; take some unrelated words'
    : undefined
}

type Strength = (password: string, about: string[]) => number
let strength: Promise<Strength> | undefined

/** The lists of common passwords and words take some megabytes: read when the first password is set. */
function loadStrength(): Promise<Strength> {
  strength ??= (async () => {
    const [{ ZxcvbnFactory }, { dictionary, adjacencyGraphs }] = await Promise.all([
      import('@zxcvbn-ts/core'),
      import('@zxcvbn-ts/language-common'),
    ])
    const zxcvbn = new ZxcvbnFactory({ dictionary: { ...dictionary }, graphs: adjacencyGraphs })
    return (password, about) => zxcvbn.check(password, about).score
  })()
  return strength
}
