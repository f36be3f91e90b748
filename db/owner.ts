/** The first owner of a hub, made from the command line: whoever reaches the database may. */
import { newId } from '../platform/new-id.ts'
import { appendAudit } from './audit.ts'
import { inTransaction, type Db } from './client.ts'
import { hasOwner, insertMembership } from './memberships.ts'
import { findPersonByEmail, insertPerson } from './people.ts'

export interface NewOwner {
  readonly email: string
  readonly name: string
  readonly passwordHash: string
  /** As the audit chain names whoever makes it. */
  readonly actor: string
  /** Nothing is made where somebody runs the hub already. */
  readonly onlyFirst: boolean
}

/** @returns `made`; `known`: there is a person with this address; `not first`: the hub has an owner already. */
export function makeOwner(db: Db, owner: NewOwner): Promise<'made' | 'known' | 'not first'> {
  const { email, name, passwordHash, actor, onlyFirst } = owner
  return inTransaction(db, async (tx) => {
    if (onlyFirst && (await hasOwner(tx))) return 'not first'
    if (await findPersonByEmail(tx, email)) return 'known'
    const personId = newId('person')
    if (!(await insertPerson(tx, { personId, email, name, passwordHash, createdBy: actor }))) return 'known'
    const membershipId = newId('membership')
    await insertMembership(tx, { membershipId, personId, partnerId: null, role: 'owner', createdBy: actor })
    await appendAudit(tx, {
      actor,
      action: 'person.owner_made',
      subject: personId,
      details: { membershipId },
    })
    return 'made'
  })
}
