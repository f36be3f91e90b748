/** Experiments: launch, conclude, decide (experiments.openapi.yaml). What is so already is not asked for again. */
import type { JsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import type { Action, ProviderContext, ProviderRequest } from '../contract.ts'
import { objectSchema, optionalText, requireText, text } from './action-input.ts'
import { bodyOf, fieldsIn, protocolError, textIn, type Fields } from './answer.ts'
import { callApp, workspaceId } from './call.ts'
import { experimentsPath } from './lists.ts'

const experimentId = text(64, { pattern: '^[A-Za-z0-9-]+$', description: 'UUID of the experiment' })
const output = objectSchema(
  {
    id: { type: 'string' },
    name: { type: 'string' },
    status: { type: 'string', enum: ['draft', 'active', 'concluded', 'succeeded', 'failed'] },
    startedAt: { type: ['string', 'null'] },
    endedAt: { type: ['string', 'null'] },
  },
  ['id', 'name', 'status', 'startedAt', 'endedAt'],
)

const statusOf = (experiment: Fields): string => textIn(experiment, 'status') ?? ''
const words: Readonly<Record<string, string>> = { success: 'succeeded', fail: 'failed' }

function outputOf(experiment: Fields): JsonObject {
  const status = statusOf(experiment)
  return {
    id: textIn(experiment, 'id') ?? '',
    name: textIn(experiment, 'name') ?? '',
    status: words[status] ?? status,
    startedAt: textIn(experiment, 'start_date') ?? null,
    endedAt: textIn(experiment, 'end_date') ?? null,
  }
}

/** The API tells refusals of the experiment's state under status 200 too: `{status: 'error', error, type}`. */
function experimentIn(body: Fields): Fields {
  if (textIn(body, 'status') === 'error') {
    const { error } = body
    const said = typeof error === 'string' ? error : 'the experiment does not allow this'
    throw new HubError('Invalid', `Mixpanel refused the experiment’s change: ${said.slice(0, 200)}`)
  }
  const experiment = fieldsIn(body, 'results')
  if (textIn(experiment, 'id') === undefined) throw protocolError('an experiment without an id')
  return experiment
}

async function call(
  context: ProviderContext,
  method: ProviderRequest['method'],
  id: string,
  verb: string,
  body?: JsonObject,
): Promise<Fields> {
  workspaceId(context.settings)
  const base = experimentsPath(context.settings) ?? ''
  const response = await callApp(context, {
    method,
    path: `${base}/${encodeURIComponent(id)}${verb}`,
    ...(body ? { body } : {}),
  })
  return experimentIn(bodyOf(response, 'experiment'))
}

/** Moves an experiment to where `isThere` says it is, and not again when it is there. */
async function move(
  context: ProviderContext,
  input: JsonObject,
  isThere: (experiment: Fields) => boolean,
  act: (id: string) => Promise<Fields>,
): Promise<JsonObject> {
  const id = requireText(input, 'experimentId')
  const before = await call(context, 'GET', id, '')
  return outputOf(isThere(before) ? before : await act(id))
}

export const launchExperiment: Action = {
  name: 'launch_experiment',
  title: 'Launch an experiment',
  description: 'Starts an experiment that is a draft.',
  input: objectSchema(
    { experimentId },
    ['experimentId'],
    [{ experimentId: '5f0c1c0e-6f9e-4f3c-9a8e-2f4f0f4f1a11' }],
  ),
  output,
  run: (context, input) =>
    move(
      context,
      input,
      (experiment) => statusOf(experiment) === 'active',
      (id) => call(context, 'PUT', id, '/launch', {}),
    ),
}

export const concludeExperiment: Action = {
  name: 'conclude_experiment',
  title: 'Conclude an experiment',
  description: 'Ends an experiment that is running, before its time.',
  input: objectSchema(
    { experimentId, endDate: { type: 'string', format: 'date-time', description: 'Left out: now' } },
    ['experimentId'],
    [{ experimentId: '5f0c1c0e-6f9e-4f3c-9a8e-2f4f0f4f1a11' }],
  ),
  output,
  run(context, input) {
    const endDate = optionalText(input, 'endDate')
    return move(
      context,
      input,
      (experiment) => ['concluded', 'success', 'fail'].includes(statusOf(experiment)),
      (id) => call(context, 'PUT', id, '/force_conclude', endDate === undefined ? {} : { end_date: endDate }),
    )
  },
}

export const decideExperiment: Action = {
  name: 'decide_experiment',
  title: 'Decide an experiment',
  description: 'Says whether an experiment was a success, and which variant goes on.',
  input: objectSchema(
    { experimentId, success: { type: 'boolean' }, variant: text(255), message: text(2_000) },
    ['experimentId', 'success'],
    [{ experimentId: '5f0c1c0e-6f9e-4f3c-9a8e-2f4f0f4f1a11', success: true, variant: 'Treatment' }],
  ),
  output,
  run(context, input) {
    const success = input['success'] === true
    const variant = optionalText(input, 'variant')
    const message = optionalText(input, 'message')
    return move(
      context,
      input,
      (experiment) => statusOf(experiment) === (success ? 'success' : 'fail'),
      (id) =>
        call(context, 'PATCH', id, '/decide', {
          success,
          ...(variant === undefined ? {} : { variant }),
          ...(message === undefined ? {} : { message }),
        }),
    )
  },
}
