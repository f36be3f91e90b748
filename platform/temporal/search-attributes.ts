/** Registers typed search attributes. The embedded dev server gets them by flag; a cluster gets them here, at start. */
import type { Connection } from '@temporalio/client'
import proto from '@temporalio/proto'
import { HubError, messageOf } from '../errors.ts'

const keyword = proto.temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD

/**
 * Adds those of `names` that the namespace does not have yet, as keywords. Answers the names that were added. Several
 * workers may do this at once.
 * @throws HubError `NotConfigured` where the server does not let us (Temporal Cloud has no operator API), with the remedy.
 */
export async function registerSearchAttributes(
  connection: Pick<Connection, 'operatorService'>,
  namespace: string,
  names: readonly string[],
): Promise<readonly string[]> {
  const missing = await missingSearchAttributes(connection, namespace, names)
  if (missing.length === 0) return []
  try {
    const searchAttributes = Object.fromEntries(missing.map((name) => [name, keyword]))
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes })
    return missing
  } catch (error) {
    // Another worker may have been first.
    if ((await missingSearchAttributes(connection, namespace, names)).length === 0) return []
    throw refused(namespace, missing, error)
  }
}

/** Those of `names` that the namespace does not have. @throws HubError `NotConfigured` where it cannot be asked. */
export async function missingSearchAttributes(
  { operatorService }: Pick<Connection, 'operatorService'>,
  namespace: string,
  names: readonly string[],
): Promise<string[]> {
  try {
    const { customAttributes } = await operatorService.listSearchAttributes({ namespace })
    return names.filter((name) => customAttributes?.[name] === undefined)
  } catch (error) {
    throw refused(namespace, names, error)
  }
}

function refused(namespace: string, names: readonly string[], error: unknown): HubError {
  return new HubError(
    'NotConfigured',
    `The Temporal namespace "${namespace}" needs the keyword search attributes ${names.join(', ')}. Add them there.`,
    { cause: error, internal: messageOf(error) },
  )
}
