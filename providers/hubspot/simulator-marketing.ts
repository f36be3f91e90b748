/** Lists with their members, marketing e-mails, and what became of each message. */
import type { JsonObject } from '../../model/json.ts'
import type { Handler, SimulatorReply, SimulatorRequest } from '../../sandbox/kit.ts'
import { bodyIn, notFound, ok, refuse, textsIn, type Scene } from './simulator-objects.ts'
import { isLivingMember, type Portal } from './simulator-portal.ts'
import { wordOf } from './simulator-types.ts'

/** A page of a list that is ordered by id. */
export function pageOf(
  rows: readonly JsonObject[],
  { query }: SimulatorRequest,
  most: number,
): SimulatorReply {
  const start = Number(query.get('after') ?? 0)
  const limit = Math.min(Number(query.get('limit') ?? 100), most)
  const results = rows.slice(start, start + limit)
  const more = start + limit < rows.length
  return ok({
    results,
    total: rows.length,
    ...(more ? { paging: { next: { after: String(start + limit) } } } : {}),
  })
}

const sizeOf = (portal: Portal, listId: string): number =>
  [...portal.others.members.keys()].filter(
    (key) => key.startsWith(`${listId}:`) && isLivingMember(portal, key),
  ).length

const shownList = (portal: Portal, list: JsonObject): JsonObject => ({
  ...list,
  additionalProperties: { hs_list_size: String(sizeOf(portal, wordOf(list['listId']))) },
})

export const searchLists: Handler<Scene> = ({ portal, page }, request) => {
  const { listIds, offset = 0, count = 20 } = bodyIn(request)
  const wanted = textsIn(listIds)
  const all = [...portal.others.lists.values()].filter(
    ({ listId }) => wanted.length === 0 || wanted.includes(wordOf(listId)),
  )
  const start = Number(offset)
  const lists = all.slice(start, start + Math.min(Number(count), page)).map((list) => shownList(portal, list))
  return ok({
    lists,
    offset: start + lists.length,
    hasMore: start + lists.length < all.length,
    total: all.length,
  })
}

export const getList: Handler<Scene> = ({ portal }, _request, [id = '']) => {
  const list = portal.others.lists.get(id)
  return list ? ok({ list: shownList(portal, list) }) : notFound('list')
}

export const membersOf: Handler<Scene> = ({ portal, page }, request, [id = '']) => {
  if (!portal.others.lists.has(id)) return notFound('list')
  const members = [...portal.others.members]
    .filter(([key]) => key.startsWith(`${id}:`) && isLivingMember(portal, key))
    .map(([, member]) => member)
  return pageOf(members, request, page)
}

export const changeMembers: Handler<Scene> = ({ portal, now }, request, [id = '', operation = '']) => {
  const list = portal.others.lists.get(id)
  if (!list) return notFound('list')
  if (list['processingType'] === 'DYNAMIC')
    return refuse(400, 'VALIDATION_ERROR', 'Members of a dynamic list follow its filters')
  const changed: string[] = []
  const missing: string[] = []
  for (const recordId of textsIn(request.body)) {
    const key = `${id}:${recordId}`
    if (portal.objects.contacts.get(recordId)?.archived !== null) missing.push(recordId)
    else if (operation === 'add' ? !portal.others.members.has(key) : portal.others.members.has(key)) {
      portal.keep(
        'members',
        key,
        operation === 'add' ? { recordId, membershipTimestamp: now().toISOString() } : null,
      )
      changed.push(recordId)
    }
  }
  return ok(
    operation === 'add'
      ? { recordsIdsAdded: changed, recordIdsAdded: changed, recordIdsMissing: missing }
      : { recordIdsRemoved: changed, recordIdsMissing: missing },
  )
}

// -------------------------------------------------------------------------------------------------- mails

export const listMails: Handler<Scene> = ({ portal, page }, request) =>
  pageOf([...portal.others.marketing_emails.values()], request, page)

export const getMail: Handler<Scene> = ({ portal }, _request, [id = '']) => {
  const mail = portal.others.marketing_emails.get(id)
  return mail ? ok(mail) : notFound('email')
}

export const listEvents: Handler<Scene> = ({ portal, page }, { query }) => {
  const from = Number(query.get('startTimestamp') ?? 0)
  const to = Number(query.get('endTimestamp') ?? Number.MAX_SAFE_INTEGER)
  const all = [...portal.others.email_events.values()]
    .filter(({ created }) => Number(created) >= from && Number(created) <= to)
    .sort((a, b) => Number(a['created']) - Number(b['created']))
  const start = Number((query.get('offset') ?? 'o0').slice(1))
  const rows = all.slice(start, start + Math.min(Number(query.get('limit') ?? 100), 1000, page))
  const end = start + rows.length
  return ok({ events: rows, hasMore: end < all.length, offset: `o${end}` })
}
