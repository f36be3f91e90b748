/** References between objects: checked, and completed with the name. */
import type { JsonObject } from '../../model/json.ts'
import { nameField, type Books } from './simulator-books.ts'
import type { EntityName } from './simulator-entities.ts'
import { badReference, missing, notFound } from './simulator-faults.ts'
import { refId, textOf } from './simulator-values.ts'

/** The reference with its name. @throws Refused when it points nowhere or to what is inactive. */
export function reference(
  books: Books,
  target: EntityName,
  object: JsonObject,
  field: string,
): JsonObject | undefined {
  const id = refId(object, field)
  if (id === '') return undefined
  const found = books.get(target, id)
  if (!found) throw badReference(target === 'Customer' || target === 'Vendor' ? 'Names' : target, id)
  if (found['Active'] === false) throw notFound()
  return { value: id, name: textOf(found[nameField(target)]) || textOf(found['Name']) }
}

/** The same for a reference that must be there. */
export function required(books: Books, target: EntityName, object: JsonObject, field: string): JsonObject {
  const found = reference(books, target, object, field)
  if (!found) throw missing(field)
  return found
}
