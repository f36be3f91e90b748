import type { ProviderContext } from '../contract.ts'
import { dataOf, get, type Fields } from './answer.ts'

/** Who the credential speaks for, and in which company. */
export const readMe = async (context: ProviderContext): Promise<Fields> =>
  dataOf(await get(context, '/api/v1/users/me'), 'users/me')
