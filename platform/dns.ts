/** TXT records of a name. */
import { Resolver } from 'node:dns/promises'

/**
 * The texts at a name, each put together from its parts. Empty: the name has none, or there is no such name.
 * @throws Error when nobody could be asked: that says nothing of the name.
 */
export type TxtLookup = (name: string) => Promise<readonly string[]>

/** What DNS says when there is nothing, as against when it says nothing. */
const nothing: readonly string[] = ['ENODATA', 'ENOTFOUND']

/** @param options.servers `address:port`; the system's when left out. */
export function createTxtLookup(options: { readonly servers?: readonly string[] } = {}): TxtLookup {
  return async (name) => {
    const resolver = new Resolver({ timeout: 3_000, tries: 2 })
    if (options.servers) resolver.setServers(options.servers)
    try {
      return (await resolver.resolveTxt(name)).map((parts) => parts.join(''))
    } catch (error) {
      if (nothing.includes((error as NodeJS.ErrnoException).code ?? '')) return []
      throw error
    }
  }
}
