/** What a caller may do: each operation of the description names one permission, the policy table says who has it. */
import { isPermission } from '../model/permissions.ts'
import { HubError } from '../platform/errors.ts'
import type { Caller } from './caller.ts'
import type { Operation } from './description.ts'

const isOfPartners = (path: string): boolean => path.startsWith('/v1/')
const isOfHub = (path: string): boolean => /^\/(admin\/v1|codec)\//.test(path)

/** @throws HubError `NotPermitted`. An operation without a permission is open to nobody but the public ones. */
export function authorize(
  caller: Caller,
  { permission, path }: Pick<Operation, 'permission' | 'path'>,
): void {
  if (caller.kind === 'person' && caller.role === undefined && (isOfHub(path) || isOfPartners(path)))
    throw new HubError(
      'NotPermitted',
      'You have no role, or several: name the partner to act for in the header "Tieline-Partner".',
    )
  if (isOfHub(path) && caller.partnerId !== null)
    throw new HubError('NotPermitted', 'This is for who runs the hub. What partners may ask is under /v1.')
  if (isOfPartners(path) && caller.partnerId === null) {
    const text = 'This acts for a partner: use its API key, or name it in the header "Tieline-Partner".'
    throw new HubError('NotPermitted', text)
  }
  if (permission === undefined || !isPermission(permission) || !caller.permissions.has(permission))
    throw new HubError('NotPermitted', `This needs the permission "${permission ?? 'none is named'}".`)
}
