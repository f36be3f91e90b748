/** Checks the input of a connection's test, which may have been typed into the Temporal UI. */
import { isId } from '../model/ids.ts'
import type { TestConnectionInput } from './messages.ts'
import { invalidInput } from './validate.ts'

const example = '{"connectionId": "…", "write": false}'
const known = ['connectionId', 'diagnosisId', 'write', 'startedBy']

/** @throws `InvalidInput` that says what is wrong. */
export function checkTestInput(input: unknown): TestConnectionInput {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw invalidInput(`The input must be one JSON object: ${example}.`)
  const given = input as Record<string, unknown>
  const stranger = Object.keys(given).find((name) => !known.includes(name))
  if (stranger !== undefined) throw invalidInput(`"${stranger}" is not known. The input is ${example}.`)
  const { connectionId, diagnosisId, write, startedBy } = given
  if (!isId('connection', connectionId))
    throw invalidInput(
      `"connectionId" is ${connectionId === undefined ? 'missing' : 'not the id of a connection'}. The input is ${example}.`,
    )
  if (diagnosisId !== undefined && !isId('diagnosis', diagnosisId))
    throw invalidInput('"diagnosisId" is not the id of a test. Leave it out.')
  if (write !== undefined && typeof write !== 'boolean')
    throw invalidInput('"write" must be true or false: whether one object may be written and deleted again.')
  if (startedBy !== undefined && (typeof startedBy !== 'string' || !/^.{1,200}$/s.test(startedBy)))
    throw invalidInput('"startedBy" must be a text of 1 to 200 characters.')
  return {
    connectionId,
    ...(diagnosisId === undefined ? {} : { diagnosisId }),
    ...(write === undefined ? {} : { write }),
    ...(startedBy === undefined ? {} : { startedBy }),
  }
}
