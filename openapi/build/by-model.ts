/** Paths and schemas of the common models: one list, one object, one way to write, the same for each. */
import { models, modelsByCategory, type ModelName } from '../../model/records.ts'
import { namesOfModel, pathOfModel } from './model-paths.ts'

type Tree = Record<string, unknown>
export type ModelOperation = 'list' | 'get' | 'create' | 'update' | 'remove'

const ref = ($ref: string) => ({ $ref })
const json = (schema: string) => ({ 'application/json': { schema: ref(schema) } })
const common = (name: string) => ref(`../schemas/common.yaml#/${name}`)
const problem = (name: string) => ref(`../responses.yaml#/${name}`)
const parameter = (name: string) => ref(`../parameters.yaml#/${name}`)
const security = [{ partnerKey: [] }, { adminToken: [] }]
const problems = (...more: readonly (readonly [string, string])[]): Tree => ({
  ...Object.fromEntries(
    [['400', 'BadRequest'], ['401', 'Unauthenticated'], ['403', 'NotPermitted'], ...more].map(
      ([status = '', name = '']) => [status, problem(name)],
    ),
  ),
  default: problem('Problem'),
})

const titleOf = (model: string): string => model.charAt(0).toUpperCase() + model.slice(1)
const wordsOf = (text: string): string =>
  text.replace(/[A-Z-]+/g, (part) => ` ${part.replace('-', '').toLowerCase()}`).trim()
const categoryOf = (model: string): string =>
  Object.entries<Record<string, unknown>>(modelsByCategory).find(([, all]) => model in all)?.[0] ?? ''

const filters = [
  {
    name: 'updatedSince',
    in: 'query',
    description: 'Only what the hub’s copy of has changed at or after this moment.',
    schema: common('Time'),
  },
  { name: 'updated_since', in: 'query', description: 'The same as `updatedSince`.', schema: common('Time') },
  {
    name: 'connectionId',
    in: 'query',
    description: 'Only of this connection.',
    schema: common('ConnectionId'),
  },
  {
    name: 'accountId',
    in: 'query',
    description: 'Only of connections of this account.',
    schema: common('AccountId'),
  },
  {
    name: 'provider',
    in: 'query',
    description: 'Only of connections to this provider.',
    schema: common('ProviderSlug'),
  },
  {
    name: 'includeDeleted',
    in: 'query',
    description: 'Deleted ones, too: `deletedAt` says when.',
    schema: { type: 'boolean', default: false },
  },
  parameter('fields'),
  parameter('limit'),
  parameter('cursor'),
]

const waits = '`Prefer: wait=<seconds>` says how long to wait for the provider (5 when left out, 30 at most).'

function pathsOf(model: ModelName): { readonly collection: Tree; readonly one: Tree } {
  const { many, one } = namesOfModel(model)
  const [plural, single] = [wordsOf(pathOfModel(model)), wordsOf(one)]
  const [item, list] = [`../schemas/by-model.yaml#/${one}Item`, `../schemas/by-model.yaml#/${one}ItemList`]
  const about = { tags: ['Models'], security }
  const found = (description: string) => ({
    description,
    headers: { ETag: { schema: { type: 'string' } } },
    content: json(item),
  })
  const goesOn = {
    description: 'It goes on, or waits for a decision: look at the write.',
    headers: { Location: { schema: { type: 'string' } } },
    content: json('../schemas/partner.yaml#/PartnerWrite'),
  }
  const failures = [
    ['404', 'NotFound'],
    ['409', 'Conflict'],
    ['422', 'Refused'],
    ['503', 'Unavailable'],
  ] as const
  return {
    collection: {
      get: {
        operationId: `list${many}`,
        ...about,
        summary: `List ${plural}`,
        description: `Across all connections, whatever the provider, in the order in which they changed: keep the last cursor, or ask with \`updatedSince\`. \`fields\` takes the names of the model \`${model}\`.`,
        'x-permission': 'records.read',
        parameters: filters,
        responses: { '200': { description: `${titleOf(plural)}.`, content: json(list) }, ...problems() },
      },
      post: {
        operationId: `create${one}`,
        ...about,
        summary: `Create: ${single}`,
        description: `Makes one at the provider of the connection and keeps what the provider says it has become. 201 when it is done within the time that is waited for; 202 with the write otherwise. ${waits}`,
        'x-permission': 'writes.write',
        parameters: [parameter('idempotencyKeyRequired'), parameter('prefer')],
        requestBody: { required: true, content: json(`../schemas/by-model.yaml#/New${one}`) },
        responses: {
          '201': {
            ...found('It was made.'),
            headers: { ETag: { schema: { type: 'string' } }, Location: { schema: { type: 'string' } } },
          },
          '202': goesOn,
          ...problems(...failures),
        },
      },
    },
    one: {
      parameters: [parameter('recordId')],
      get: {
        operationId: `get${one}`,
        ...about,
        summary: `Show: ${single}`,
        description: 'Also a deleted one. With `If-None-Match` it is answered only when it has changed.',
        'x-permission': 'records.read',
        parameters: [parameter('fields'), parameter('ifNoneMatch')],
        responses: {
          '200': found('The record.'),
          '304': problem('NotModified'),
          ...problems(['404', 'NotFound']),
        },
      },
      patch: {
        operationId: `update${one}`,
        ...about,
        summary: `Change: ${single}`,
        description: `Changes at the provider the fields that are given. With \`If-Match\` only the version that you saw. A field that was changed on both sides is settled by \`policy\`. ${waits}`,
        'x-permission': 'writes.write',
        parameters: [parameter('idempotencyKey'), parameter('ifMatch'), parameter('prefer')],
        requestBody: { required: true, content: json(`../schemas/by-model.yaml#/${one}Change`) },
        responses: {
          '200': found('It was changed.'),
          '202': goesOn,
          ...problems(...failures, ['412', 'PreconditionFailed']),
        },
      },
      delete: {
        operationId: `delete${one}`,
        ...about,
        summary: `Delete: ${single}`,
        description: `Deletes it at the provider. ${waits}`,
        'x-permission': 'writes.write',
        parameters: [parameter('idempotencyKey'), parameter('ifMatch'), parameter('prefer')],
        responses: {
          '200': found('It was deleted.'),
          '202': goesOn,
          ...problems(...failures, ['412', 'PreconditionFailed']),
        },
      },
    },
  }
}

const time = ref('common.yaml#/Time')
const nullable = (schema: object) => ({ oneOf: [schema, { type: 'null' }] })

function schemasOf(model: ModelName): Tree {
  const { one } = namesOfModel(model)
  const fields = ref(`models.yaml#/${titleOf(model)}Fields`)
  const change = {
    fields: { ...fields, description: 'Fields of the model; what is left out stays as it is.' },
    providerFields: {
      ...ref('common.yaml#/JsonObject'),
      description: "Fields in the provider's own words, over what the mapping makes.",
    },
  }
  const required = [
    'id',
    'model',
    'partnerId',
    'accountId',
    'connectionId',
    'provider',
    'resource',
    'externalId',
    'version',
    'fields',
  ]
  return {
    [`${one}Item`]: {
      type: 'object',
      description: `A record of the model \`${model}\` (${categoryOf(model)}).`,
      additionalProperties: false,
      required: [...required, 'createdAt', 'changedAt', 'sourceUpdatedAt', 'deletedAt'],
      properties: {
        id: { ...ref('common.yaml#/RecordId'), description: 'The same for ever.' },
        model: { const: model },
        partnerId: ref('common.yaml#/PartnerId'),
        accountId: ref('common.yaml#/AccountId'),
        connectionId: ref('common.yaml#/ConnectionId'),
        provider: ref('common.yaml#/ProviderSlug'),
        resource: ref('common.yaml#/ResourceName'),
        externalId: { type: 'string', description: "The provider's id.", examples: ['35436'] },
        version: { type: 'integer', description: 'Rises with every change; the `ETag`.', examples: [3] },
        fields: { ...ref(`models.yaml#/Model${titleOf(model)}`) },
        createdAt: { ...time, description: "When the hub's copy was made." },
        changedAt: { ...time, description: "When the hub's copy last changed." },
        sourceUpdatedAt: { ...nullable(time), description: "The provider's own time of the last change." },
        deletedAt: nullable(time),
      },
    },
    [`${one}ItemList`]: {
      type: 'object',
      additionalProperties: false,
      required: ['items', 'nextCursor'],
      properties: {
        items: { type: 'array', items: ref(`#/${one}Item`) },
        nextCursor: ref('common.yaml#/NextCursor'),
      },
    },
    [`New${one}`]: {
      type: 'object',
      additionalProperties: false,
      required: ['connectionId', 'fields'],
      properties: {
        connectionId: { ...ref('common.yaml#/ConnectionId'), description: 'Where it is made.' },
        resource: {
          ...ref('common.yaml#/ResourceName'),
          description: 'Where the provider keeps the model in more than one resource.',
        },
        ...change,
      },
    },
    [`${one}Change`]: {
      type: 'object',
      additionalProperties: false,
      minProperties: 1,
      properties: { ...change, policy: ref('writes.yaml#/ConflictPolicy') },
    },
  }
}

export function byModel() {
  const paths: Tree = {}
  const schemas: Tree = {}
  const places: Record<string, string> = {}
  const operations: Record<string, { readonly operation: ModelOperation; readonly model: ModelName }> = {}
  for (const model of Object.keys(models) as ModelName[]) {
    const { many, one } = namesOfModel(model)
    const made = pathsOf(model)
    const key = many.charAt(0).toLowerCase() + many.slice(1)
    Object.assign(schemas, schemasOf(model))
    Object.assign(paths, { [key]: made.collection, [`${key}One`]: made.one })
    Object.assign(places, {
      [key]: `/v1/${pathOfModel(model)}`,
      [`${key}One`]: `/v1/${pathOfModel(model)}/{recordId}`,
    })
    Object.assign(operations, {
      [`list${many}`]: { operation: 'list', model },
      [`create${one}`]: { operation: 'create', model },
      [`get${one}`]: { operation: 'get', model },
      [`update${one}`]: { operation: 'update', model },
      [`delete${one}`]: { operation: 'remove', model },
    })
  }
  return { paths, schemas, places, operations }
}
