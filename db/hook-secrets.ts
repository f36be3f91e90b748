/** The values that a connection's webhooks may be made with: its own, then those that the environment has for the provider's app. */
import { valuesNow, type OpenHookSettings } from './hook-settings.ts'

/** The environment gives several separated by commas. */
export function hookSecretsOf(
  specs: readonly { readonly name: string; readonly env?: string }[],
  stored: OpenHookSettings | undefined,
  env: Readonly<Record<string, string | undefined>>,
  now: Date,
): Readonly<Record<string, readonly string[]>> {
  const own = stored ? valuesNow(stored.secrets, now) : {}
  return Object.fromEntries(
    specs.map(({ name, env: variable }) => {
      const values = own[name] ?? []
      const shared = variable === undefined ? [] : (env[variable] ?? '').split(',').map((one) => one.trim())
      return [name, [...values, ...shared.filter((one) => one !== '')]]
    }),
  )
}
