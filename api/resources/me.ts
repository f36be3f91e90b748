/** Who is calling. */
import { findPartner } from '../../db/partners.ts'
import { HubError } from '../../platform/errors.ts'
import type { Handler } from '../operation.ts'

export const getCaller: Handler<'getCaller'> = async ({ database }, { caller }) => {
  const { kind, name, mode = 'live', permissions } = caller
  const partner = caller.partnerId === null ? undefined : await findPartner(database.db, caller.partnerId)
  if (!partner) throw new HubError('NoSuchThing', 'The partner of this caller is gone.')
  const { partnerId, name: partnerName } = partner
  return {
    status: 200,
    body: { kind, name, partnerId, partnerName, mode, permissions: [...permissions].sort() },
  }
}
