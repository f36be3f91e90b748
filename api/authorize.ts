/** What a caller may do: each operation of the description names one permission, one policy says who has it. */
import { HubError } from '../platform/errors.ts'
import type { Caller } from './caller.ts'

/** The admin has every permission. Partners' roles get their own entry when they come. */
const policy: Readonly<Record<Caller['kind'], (permission: string) => boolean>> = {
  admin: () => true,
}

/** @throws HubError `NotPermitted`. An operation without a permission is open to nobody but the public ones. */
export function authorize(caller: Caller, permission: string | undefined): void {
  if (permission === undefined || !policy[caller.kind](permission)) {
    throw new HubError('NotPermitted', `This needs the permission "${permission ?? 'none is named'}".`)
  }
}
