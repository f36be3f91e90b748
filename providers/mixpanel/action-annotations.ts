/** Annotations: marks on the time line of charts. */
import { timeOf } from '../../model/times.ts'
import type { JsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import type { Action, ProviderContext } from '../contract.ts'
import { idSchema, objectSchema, requireText, text } from './action-input.ts'
import { bodyOf, fieldsIn, idText, protocolError, resultsOf, rowsOf } from './answer.ts'
import { callApp } from './call.ts'
import { annotationsPath } from './lists.ts'
import { localText, zoneOf } from './times.ts'

/** The annotation with this date and text, if an earlier try made it (or a person did: one is enough). */
async function existing(
  context: ProviderContext,
  date: string,
  description: string,
): Promise<string | undefined> {
  const day = date.slice(0, 10)
  const response = await callApp(context, {
    method: 'GET',
    path: annotationsPath(context.settings),
    query: { fromDate: day, toDate: day },
  })
  const rows = rowsOf(resultsOf(response, 'annotations'), 'annotations')
  return idText(rows.find((row) => row['date'] === date && row['description'] === description)?.['id'])
}

function dateOf(context: ProviderContext, input: JsonObject): string {
  const moment = timeOf(requireText(input, 'at'))
  if (Number.isNaN(moment))
    throw new HubError('InvalidInput', 'The annotation’s time is no time', {
      fields: [{ pointer: '/at', detail: 'is not a time' }],
    })
  return localText(zoneOf(context.settings), new Date(moment))
}

export const createAnnotation: Action = {
  name: 'create_annotation',
  title: 'Create an annotation',
  description: 'Marks a moment in the project’s charts. One with the same time and text is not made twice.',
  input: objectSchema(
    {
      at: { type: 'string', format: 'date-time' },
      text: text(1_000),
      tagIds: { type: 'array', maxItems: 50, items: { type: 'integer' } },
    },
    ['at', 'text'],
    [{ at: '2026-11-23T20:00:00Z', text: 'Version 2 released' }],
  ),
  output: objectSchema({ id: idSchema, created: { type: 'boolean' } }, ['id', 'created']),
  async run(context, input) {
    const date = dateOf(context, input)
    const description = requireText(input, 'text')
    const found = await existing(context, date, description)
    if (found !== undefined) return { id: found, created: false }
    const tags = input['tagIds']
    const response = await callApp(context, {
      method: 'POST',
      path: annotationsPath(context.settings),
      body: { date, description, ...(Array.isArray(tags) ? { tags } : {}) },
    })
    const id = idText(fieldsIn(bodyOf(response, 'annotation'), 'results')['id'])
    if (id === undefined) throw protocolError('an annotation without an id')
    return { id, created: true }
  },
  undo: { action: 'delete_annotation', input: (_input, output) => ({ id: output['id'] ?? '' }) },
}

export const deleteAnnotation: Action = {
  name: 'delete_annotation',
  title: 'Delete an annotation',
  description: 'Deletes an annotation. One that is gone is no error.',
  input: objectSchema({ id: idSchema }, ['id'], [{ id: '42' }]),
  output: objectSchema({ deleted: { type: 'boolean' } }, ['deleted']),
  async run(context, input) {
    const response = await callApp(context, {
      method: 'DELETE',
      path: `${annotationsPath(context.settings)}/${encodeURIComponent(requireText(input, 'id'))}`,
      repeatable: true,
      accept: [404],
    })
    return { deleted: response.status < 300 }
  },
}
