/** What a key may be given: nobody hands on more than they have. */
import type { ApiKey } from '../../db/api-keys.ts'
import { isPermission, keyScopes } from '../../model/permissions.ts'
import { HubError } from '../../platform/errors.ts'
import { isWithin, parseNetwork } from '../address.ts'
import type { Caller } from '../caller.ts'
import type { ApiDeps } from '../deps.ts'
import { invalidInput } from '../problem.ts'
import type { PlacedError } from '../validation.ts'

export interface KeyWish {
  readonly mode?: ApiKey['mode'] | undefined
  readonly scopes?: readonly string[] | undefined
  readonly networks?: readonly string[] | undefined
  readonly expiresAt?: Date | null | undefined
}

const fault = (pointer: string, detail: string): PlacedError => ({ in: 'body', pointer, detail })

/**
 * What is asked for can be had, and by this caller.
 * @throws InvalidInput with every field that is wrong; `NotPermitted` for more than the caller has.
 */
export async function checkKeyWish(deps: ApiDeps, caller: Caller, wish: KeyWish): Promise<void> {
  const { scopes = [], networks = [], expiresAt } = wish
  const errors = [
    ...scopes.flatMap((scope, index) =>
      (keyScopes as readonly string[]).includes(scope)
        ? []
        : [fault(`/scopes/${index}`, `is no scope of a key; known are ${keyScopes.join(', ')}`)],
    ),
    ...networks.flatMap((text, index) =>
      parseNetwork(text)
        ? []
        : [fault(`/networks/${index}`, 'should be an address or a network like 203.0.113.0/24')],
    ),
    ...(expiresAt && expiresAt.getTime() <= Date.now()
      ? [fault('/expiresAt', 'should be a time to come')]
      : []),
  ]
  if (errors.length > 0) throw invalidInput(errors)
  requireScopes(caller, scopes)
  if (caller.mode === 'test' && wish.mode === 'live')
    throw new HubError('NotPermitted', 'A test key makes test keys only.')
  if (caller.keyId !== undefined) await checkHeir(deps, caller.keyId, wish)
}

/** @throws HubError `NotPermitted` that names the scope which the caller does not have. */
export function requireScopes(caller: Caller, scopes: readonly string[]): void {
  const missing = scopes.find((scope) => !(isPermission(scope) && caller.permissions.has(scope)))
  if (missing !== undefined)
    throw new HubError('NotPermitted', `Nobody gives a key what they do not have: the scope "${missing}".`)
}

/** A key that was made with a key neither outlives it nor works from more places. */
async function checkHeir({ callers }: ApiDeps, keyId: string, wish: KeyWish): Promise<void> {
  const own = (await callers.keysById.get(keyId))?.key
  if (!own) throw new HubError('NotPermitted', 'The key that asks is gone.')
  const { expiresAt, networks } = own
  const outlives =
    wish.expiresAt !== undefined && (wish.expiresAt === null || (expiresAt && wish.expiresAt > expiresAt))
  if (expiresAt && outlives)
    throw new HubError(
      'NotPermitted',
      `A key made with this one ends with it: "expiresAt" is at most ${expiresAt.toISOString()}.`,
    )
  const isWider =
    wish.networks !== undefined &&
    (wish.networks.length === 0 || wish.networks.some((one) => !isWithin(one, networks)))
  if (networks.length > 0 && isWider)
    throw new HubError(
      'NotPermitted',
      `A key made with this one works from nowhere else: "networks" lie in ${networks.join(', ')}.`,
    )
}
