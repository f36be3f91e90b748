/** Checks what was typed into the Temporal UI or sent by a caller. A bad input ends the workflow with `InvalidInput`. */
import type { Speed, SyncConnectionInput, SyncManyInput, SyncMode } from './messages.ts'
import { checkInput, whole, type Check } from './validate.ts'

const modes: readonly SyncMode[] = ['incremental', 'full', 'force']

const text: Check = (value) =>
  typeof value === 'string' && value.length > 0 && value.length <= 200
    ? undefined
    : 'a text of 1 to 200 characters'
const flag: Check = (value) => (typeof value === 'boolean' ? undefined : 'true or false')
const mode: Check = (value) => (modes.some((one) => one === value) ? undefined : `one of ${modes.join(', ')}`)
const texts: Check = (value) =>
  Array.isArray(value) && value.length > 0 && value.every((one) => text(one) === undefined)
    ? undefined
    : 'a list of names that is not empty'
const parallel = whole(1, 50)
const speed: Check = (value) =>
  isSpeed(value) ? undefined : 'an object such as {"pagesPerMinute": 30} or {"pagesPerMinute": null}'
const object: Check = (value) => (typeof value === 'object' && value !== null ? undefined : 'an object')

/** A speed that can be kept: null, or a page a minute up to a thousand. */
export function isSpeed(value: unknown): value is Speed {
  if (typeof value !== 'object' || value === null || !('pagesPerMinute' in value)) return false
  const { pagesPerMinute } = value
  return (
    pagesPerMinute === null ||
    (typeof pagesPerMinute === 'number' && pagesPerMinute >= 1 && pagesPerMinute <= 1000)
  )
}

const shared = {
  connectionId: text,
  mode,
  dryRun: flag,
  resources: texts,
  startedBy: text,
  continued: object,
}

export function checkSyncConnectionInput(input: unknown): SyncConnectionInput {
  const example = '{"connectionId": "con_…"}'
  return checkInput(input, example, { ...shared, runId: text, batchId: text, speed }, ['connectionId'])
}

export function checkSyncManyInput(input: unknown): SyncManyInput {
  const example = '{"provider": "<slug>"}'
  return checkInput(input ?? {}, example, { ...shared, provider: text, accountId: text, parallel }, [])
}
