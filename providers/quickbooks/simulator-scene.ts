/** What the endpoints of a company share. */
import type { JsonObject } from '../../model/json.ts'
import type { SimulatorRequest } from '../../sandbox/kit.ts'
import type { Books } from './simulator-books.ts'
import { companyInfo, preferences } from './simulator-chart.ts'
import type { EntityName } from './simulator-entities.ts'
import type { Singles } from './simulator-query-run.ts'
import { stamp, textOf, wholeSecond } from './simulator-values.ts'
import type { Desk } from './simulator-writes.ts'

/** What the endpoints see of a company. */
export interface Scene {
  readonly books: Books
  readonly realm: string
  readonly company: string
  readonly began: Date
  readonly now: () => Date
  /** When the next change happens: no earlier than any before it. */
  tick(): number
  /** The most that any page of a query holds. */
  readonly page: number
  /** The most objects of a kind that change data capture tells of. */
  readonly changes: number
}

export const singlesOf = ({ company, began }: Scene): Singles => {
  const at = stamp(wholeSecond(began.getTime()))
  const times = { CreateTime: at, LastUpdatedTime: at }
  return { CompanyInfo: companyInfo(company, times), Preferences: preferences(times) }
}

export const deskOf = (scene: Scene, request?: SimulatorRequest): Desk => ({
  books: scene.books,
  at: scene.tick(),
  mayDuplicate: request?.query.get('include') === 'allowduplicatedocnum',
})

/** As a reading would give it: with the balances of now. */
export const shownAgain = (books: Books, entity: EntityName, object: JsonObject): JsonObject =>
  object['status'] === 'Deleted' ? object : (books.shown(entity, textOf(object['Id'])) ?? object)
