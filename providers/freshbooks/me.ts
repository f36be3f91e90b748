/** Whose token it is, and in which businesses: `GET /auth/api/v1/users/me`. */
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import type { ProviderContext } from '../contract.ts'
import { fieldsIn, get, idIn, protocolError, textIn } from './answer.ts'

export interface Business {
  readonly accountId: string
  readonly businessId: string
  readonly name: string
  readonly role: string
}

export interface Me {
  readonly name: string
  readonly businesses: readonly Business[]
}

function businessOf(membership: JsonObject): Business[] {
  const business = fieldsIn(membership, 'business')
  const accountId = textIn(business, 'account_id')
  const businessId = idIn(business, 'id')
  if (accountId === undefined || businessId === undefined) return []
  const role = textIn(membership, 'role') ?? 'unknown role'
  return [{ accountId, businessId, name: textIn(business, 'name') ?? accountId, role }]
}

export async function readMe(context: ProviderContext): Promise<Me> {
  const { body } = await get(context, '/auth/api/v1/users/me')
  if (!isJsonObject(body)) throw protocolError('users/me: no JSON object')
  const me = fieldsIn(body, 'response')
  const list = me['business_memberships']
  if (!Array.isArray(list)) throw protocolError('users/me: no "business_memberships"')
  const name = [textIn(me, 'first_name'), textIn(me, 'last_name')].filter((one) => one !== undefined)
  return {
    name: name.join(' ') || 'a user without name',
    businesses: list.filter(isJsonObject).flatMap(businessOf),
  }
}
