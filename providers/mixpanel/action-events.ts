/** Actions that send events. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import type { Action, ProviderContext } from '../contract.ts'
import {
  objectSchema,
  optionalText,
  propertiesSchema,
  requireText,
  text,
  timeSchema,
} from './action-input.ts'
import {
  changeInsertId,
  checkedEvents,
  keyedInsertId,
  type EventInput,
  type EventWords,
} from './event-input.ts'
import { importEvents } from './import-events.ts'

/** A bound of ours; a call to Mixpanel takes 2,000 and as many calls are made as needed. */
const mostEvents = 20_000

const profileId: JsonSchemaOf = {
  type: 'string',
  maxLength: 255,
  description: 'Mixpanel’s distinct_id. Empty or left out: nobody.',
}
type JsonSchemaOf = Readonly<Record<string, unknown>>

const eventProperties = {
  name: text(255, { description: 'What took place: Deal Won' }),
  time: timeSchema,
  profileId,
  deviceId: text(255, { description: '$device_id, for people who are not known yet' }),
  userId: text(255, { description: '$user_id, which links the device to a person' }),
  insertId: {
    type: 'string',
    pattern: '^[A-Za-z0-9-]{1,36}$',
    description: 'Left out: made from the idempotency key and the place in the list',
  },
  ip: text(45, { description: 'Where the person was; left out, no place is noted' }),
  properties: propertiesSchema,
}

const output = objectSchema(
  {
    imported: { type: 'integer' },
    failed: {
      type: 'array',
      items: {
        type: 'object',
        required: ['index', 'field', 'message'],
        properties: {
          index: { type: 'integer', description: 'Place in the list that was given' },
          field: { type: 'string' },
          message: { type: 'string' },
        },
      },
    },
  },
  ['imported', 'failed'],
)

const listOf = (item: JsonSchemaOf) => ({ type: 'array', minItems: 1, maxItems: mostEvents, items: item })
const objectsIn = (value: JsonValue | undefined): JsonObject[] =>
  Array.isArray(value) ? value.map((one) => (isJsonObject(one) ? one : {})) : []

const eventWords: EventWords = { time: 'time', insertId: 'insertId' }
const changeWords: EventWords = { time: 'occurredAt', insertId: 'id' }

async function sendChecked(
  context: ProviderContext,
  events: readonly EventInput[],
  words: EventWords,
): Promise<JsonObject> {
  const { imported, failed } = await importEvents(context, checkedEvents(events, words, context.now()))
  return { imported, failed: failed.map((one) => ({ ...one })) }
}

const inputOf = (event: JsonObject, idempotencyKey: string, index: number): EventInput => ({
  name: event['name'],
  time: event['time'],
  profileId: event['profileId'],
  deviceId: event['deviceId'],
  userId: event['userId'],
  insertId: optionalText(event, 'insertId') ?? keyedInsertId(idempotencyKey, index),
  ip: event['ip'],
  properties: event['properties'],
})

const exampleEvent = {
  name: 'Deal Won',
  time: '2026-11-23T20:00:00Z',
  profileId: 'user-4711',
  properties: { Amount: 42.5 },
}

export const trackEvents: Action = {
  name: 'track_events',
  title: 'Track events',
  description:
    'Sends events, also of long ago. An event that is sent twice counts once. What Mixpanel refuses is listed; the rest is in.',
  input: objectSchema(
    { events: listOf(objectSchema(eventProperties, ['name', 'time'])) },
    ['events'],
    [{ events: [exampleEvent] }],
  ),
  output,
  run: (context, input, key) =>
    sendChecked(
      context,
      objectsIn(input['events']).map((event, index) => inputOf(event, key, index)),
      eventWords,
    ),
}

export const trackEvent: Action = {
  name: 'track_event',
  title: 'Track an event',
  description: 'Sends one event. Sent twice, it counts once.',
  input: objectSchema(eventProperties, ['name', 'time'], [exampleEvent]),
  output,
  run: (context, input, key) => sendChecked(context, [inputOf(input, key, 0)], eventWords),
}

export const trackChanges: Action = {
  name: 'track_changes',
  title: 'Track changes of the hub',
  description:
    'Sends rows of the hub’s change feed as events. The change’s id makes the $insert_id, so a change counts once whoever sends it and however often.',
  input: objectSchema(
    {
      events: listOf(
        objectSchema(
          {
            name: eventProperties.name,
            id: text(255, { description: 'Id of the change; unique among changes' }),
            occurredAt: { type: 'string', format: 'date-time' },
            profileId,
            properties: propertiesSchema,
          },
          ['name', 'id', 'occurredAt'],
        ),
      ),
    },
    ['events'],
    [
      {
        events: [
          {
            name: 'deal.won',
            id: 'chg_01',
            occurredAt: '2026-11-23T20:00:00Z',
            profileId: 'user-4711',
            properties: { amount: 1250 },
          },
        ],
      },
    ],
  ),
  output,
  run: (context, input) =>
    sendChecked(
      context,
      objectsIn(input['events']).map((change) => ({
        name: change['name'],
        time: change['occurredAt'],
        profileId: change['profileId'],
        insertId: changeInsertId(requireText(change, 'id')),
        properties: change['properties'],
      })),
      changeWords,
    ),
}

/** Names and spelling of event and properties are Mixpanel's: reports on experiments find exposures by them. */
export const trackExposure: Action = {
  name: 'track_exposure',
  title: 'Track an exposure to an experiment',
  description: 'Notes that somebody met a variant of an experiment: once, at the first real exposure.',
  input: objectSchema(
    {
      experiment: text(255, { description: 'Name of the experiment' }),
      variant: text(255, { description: 'Name of the variant' }),
      profileId: { ...profileId, minLength: 1 },
      time: timeSchema,
      properties: propertiesSchema,
    },
    ['experiment', 'variant', 'profileId', 'time'],
    [
      {
        experiment: 'New checkout',
        variant: 'Treatment',
        profileId: 'user-4711',
        time: '2026-11-23T20:00:00Z',
      },
    ],
  ),
  output,
  run(context, input, key) {
    const given = isJsonObject(input['properties']) ? input['properties'] : {}
    const event: EventInput = {
      name: '$experiment_started',
      time: input['time'],
      profileId: input['profileId'],
      insertId: keyedInsertId(key, 0),
      properties: {
        ...given,
        'Experiment name': requireText(input, 'experiment'),
        'Variant name': requireText(input, 'variant'),
      },
    }
    return sendChecked(context, [event], eventWords)
  },
}
