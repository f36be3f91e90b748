type Step = readonly [name: string, close: () => Promise<void>]

/** Set-up and teardown are loaded as two modules of one process; the global object is what they share. */
const shared = globalThis as typeof globalThis & { tielineTeardown?: Step[] }

export function keepForTeardown(name: string, close: () => Promise<void>): void {
  ;(shared.tielineTeardown ??= []).push([name, close])
}

/** Closes in reverse order; one that fails does not keep the others open. */
export async function tearDown(): Promise<void> {
  for (const [name, close] of (shared.tielineTeardown ?? []).splice(0).reverse()) {
    await close().catch((error: unknown) => console.error(`tests: ${name} did not stop`, error))
  }
}
