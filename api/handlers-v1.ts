/** Handlers under /v1: those of the admin API on a database that shows the caller's tenant, with answers as partners see them; and the models. */
import { ofModels, sharedWithAdmin } from '../openapi/derived.ts'
import type { Handlers } from './operation.ts'
import { forPartners } from './partner-view.ts'
import { modelHandler } from './resources/models.ts'

type SharedId = (typeof sharedWithAdmin)[keyof typeof sharedWithAdmin]
type OwnHandlers = Pick<Handlers, keyof typeof sharedWithAdmin>
type ModelHandlers = Pick<Handlers, keyof typeof ofModels>

/**
 * The operations that partners share with admins. The description of each is made from the admin's (`npm run gen:partner`), so that parameters
 * and body fit by construction; that the answers do, tests check with each answer.
 */
export const partnerHandlers = (admin: Pick<Handlers, SharedId>): OwnHandlers =>
  Object.fromEntries(
    Object.entries(sharedWithAdmin).map(([own, id]) => [own, forPartners(admin[id])]),
  ) as unknown as OwnHandlers

export const modelHandlers = Object.fromEntries(
  Object.entries(ofModels).map(([id, { operation, model }]) => [id, modelHandler(operation, model)]),
) as unknown as ModelHandlers
