/**
 * Bulk endpoints: up to 100 items, answered with a job that is polled (job_statuses page, read 2026-11-23: statuses, the form of
 * results, kept for a day). The work is done at once; a job is `queued` when it is made and `completed` when it is asked for.
 */
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import type { SimulatorReply, SimulatorRequest } from '../../sandbox/kit.ts'
import { wordOf } from './simulator-objects.ts'
import { badRequest, json, notFound, origin } from './simulator-reads.ts'
import { changeTicket, deleteTicket, makeTicket } from './simulator-writes.ts'
import type { Writer } from './simulator-writer.ts'

export type Jobs = Map<string, JsonObject>

const mostItems = 100

/** The objects under `key` of the body, or the answer that refuses them. */
function itemsOf(request: SimulatorRequest, key: string): JsonObject[] | SimulatorReply {
  const list = isJsonObject(request.body) ? request.body[key] : undefined
  if (!Array.isArray(list) || list.length === 0)
    return badRequest('Invalid attribute', `You passed an invalid value for the ${key} attribute.`)
  if (list.length > mostItems) return badRequest('Too many items', `${key} takes at most ${mostItems} items`)
  return list.filter(isJsonObject)
}

function answerJob(jobs: Jobs, jobType: string, results: readonly JsonObject[]): SimulatorReply {
  const id = (jobs.size + 1).toString(16).padStart(32, '0')
  const total = results.length
  const job: JsonObject = {
    id,
    job_type: jobType,
    url: `${origin}/api/v2/job_statuses/${id}.json`,
    total,
    progress: total,
    status: 'completed',
    message: 'Completed',
    results: [...results],
  }
  jobs.set(id, job)
  return json({ job_status: { ...job, progress: null, status: 'queued', message: null, results: null } })
}

/** What went wrong with one item, as a result of a job tells it. */
function failureOf(reply: SimulatorReply): JsonObject {
  const body = isJsonObject(reply.body) ? reply.body : {}
  return { success: false, error: wordOf(body['error']), details: wordOf(body['description']) }
}

/** `POST /api/v2/tickets/create_many`: results are `{id, index}`, in the order of the items. */
export function createManyTickets(world: Writer, jobs: Jobs, request: SimulatorRequest): SimulatorReply {
  const items = itemsOf(request, 'tickets')
  if (!Array.isArray(items)) return items
  const results = items.map((item, index): JsonObject => {
    const reply = makeTicket(world, item)
    if (reply.status >= 400) return { index, ...failureOf(reply) }
    const ticket = isJsonObject(reply.body) ? reply.body['ticket'] : undefined
    return { index, id: isJsonObject(ticket) ? Number(ticket['id']) : null }
  })
  return answerJob(jobs, 'Bulk Create Ticket', results)
}

/** `PUT /api/v2/tickets/update_many`: one change for `?ids=`, or a list of tickets that each name their id. */
export function updateManyTickets(world: Writer, jobs: Jobs, request: SimulatorRequest): SimulatorReply {
  const ids = idsOf(request)
  const one = isJsonObject(request.body) ? request.body['ticket'] : undefined
  let changes: (readonly [number, JsonObject])[]
  if (ids.length > 0 && isJsonObject(one)) changes = ids.map((id) => [id, one] as const)
  else {
    const items = itemsOf(request, 'tickets')
    if (!Array.isArray(items)) return items
    changes = items.map(({ id, ...fields }) => [Number(id), fields] as const)
  }
  if (changes.length > mostItems) return badRequest('Too many items', `ids takes at most ${mostItems} ids`)
  const results = changes.map(([id, fields]): JsonObject => {
    const reply = changeTicket(world, id, fields)
    return {
      id,
      action: 'update',
      ...(reply.status < 400 ? { success: true, status: 'Updated' } : failureOf(reply)),
    }
  })
  return answerJob(jobs, 'Bulk Update Ticket', results)
}

/** `DELETE /api/v2/tickets/destroy_many?ids=`. */
export function deleteManyTickets(world: Writer, jobs: Jobs, request: SimulatorRequest): SimulatorReply {
  const ids = idsOf(request)
  if (ids.length === 0 || ids.length > mostItems)
    return badRequest('Invalid attribute', `ids takes 1 to ${mostItems} ids`)
  const results = ids.map((id): JsonObject => {
    const reply = deleteTicket(world, id)
    return { id, action: 'delete', ...(reply.status < 400 ? { success: true } : failureOf(reply)) }
  })
  return answerJob(jobs, 'Bulk Delete Ticket', results)
}

/** Ids of `?ids=1,2`. */
export const idsOf = (request: SimulatorRequest): number[] =>
  (request.query.get('ids') ?? '')
    .split(',')
    .filter((id) => /^\d+$/.test(id))
    .map(Number)

export function showJob(jobs: Jobs, id: string): SimulatorReply {
  const job = jobs.get(id)
  return job ? json({ job_status: job }) : notFound()
}

export const listJobs = (jobs: Jobs): SimulatorReply => json({ job_statuses: [...jobs.values()].reverse() })
