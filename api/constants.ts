/** Bodies that are the same as long as the process lives: written as text once. */

const texts = new WeakMap<object, string>()

/** A body that is answered often and never changes. */
export function constant<T extends object>(body: T): T {
  if (!texts.has(body)) texts.set(body, JSON.stringify(body))
  return body
}

/** A body as JSON. */
export function textOf(body: unknown): string {
  const known = typeof body === 'object' && body !== null ? texts.get(body) : undefined
  return known ?? JSON.stringify(body)
}
