/** Channels of notifications: made and renewed with `/actions/watch`, each with an id that we choose and an end of at most a week. */
import { HubError } from '../../platform/errors.ts'
import { sha256 } from '../../platform/secrets/hash.ts'
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import type { ProviderContext, ProviderRequest } from '../contract-basics.ts'
import type { HookSubscription, HookSubscriptions, HookWish } from '../contract-webhook.ts'
import { momentOf, objectIn, objectsIn, textIn } from '../hooks/parse.ts'
import { resourceNames } from './modules.ts'

const path = '/crm/v8/actions/watch'
const group = 'notifications'
const perPage = 200
const mostPages = 50
/** A time beyond a week counts as none, and then an hour is all: some hours are left for clocks that differ. */
const lifeMs = (7 * 24 - 2) * 3_600_000
const operations = ['create', 'edit', 'delete']

const topics: readonly string[] = Object.keys(resourceNames).flatMap((module) =>
  operations.map((operation) => `${module}.${operation}`),
)

/** The channel of a URL, always the same one: making it again renews it, and no second one is left behind. */
export const channelOf = (url: string): string =>
  String(1_000_000_000_000 + (sha256(url).readUIntBE(0, 6) % 9_000_000_000_000))

/** The parts of an answer, each with an outcome of its own; the status is 200, 202 or 207 whatever they say. */
async function ask(context: ProviderContext, request: Omit<ProviderRequest, 'path' | 'group'>) {
  const { body } = await context.call({ path, group, ...request })
  return isJsonObject(body) ? body : {}
}

function check(answer: JsonObject, accepted: readonly string[]): readonly JsonObject[] {
  const parts = objectsIn(answer, 'watch')
  for (const part of parts) {
    const code = textIn(part, 'code') ?? 'no code'
    if (!accepted.includes(code))
      throw new HubError('Invalid', `Zoho refuses the channel: ${code}: ${textIn(part, 'message') ?? ''}`)
  }
  return parts
}

const timeText = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, '+00:00')

/** Makes the channel, or replaces all that is set in it. */
async function put(
  context: ProviderContext,
  method: 'POST' | 'PUT',
  id: string,
  { url, topics: events, secrets }: HookWish,
): Promise<{ readonly expiresAt: Date }> {
  const expiresAt = new Date(context.now().getTime() + lifeMs)
  const channel = {
    channel_id: id,
    events: [...events],
    channel_expiry: timeText(expiresAt),
    token: secrets['token'] ?? '',
    notify_url: url,
    // A change of a contact is none of its account.
    notify_on_related_action: false,
  }
  const parts = check(await ask(context, { method, body: { watch: [channel] }, repeatable: true }), [
    'SUCCESS',
  ])
  if (parts.length === 0) throw new HubError('Protocol', 'Zoho’s answer says nothing of the channel.')
  const told = parts.flatMap((part) => objectsIn(objectIn(part, 'details') ?? {}, 'events'))
  return { expiresAt: earliest(told.map((one) => momentOf(one['channel_expiry']))) ?? expiresAt }
}

const earliest = (dates: readonly (Date | undefined)[]): Date | undefined =>
  dates.reduce((first, date) => (!first || (date && date < first) ? (date ?? first) : first), undefined)

/** `Leads.all` as the three that it stands for. */
const spelledOut = (event: string): string[] =>
  event.endsWith('.all') ? operations.map((one) => event.replace(/all$/, one)) : [event]

/** A channel is listed once for each of its modules. */
function together(channel: string, parts: readonly JsonObject[], now: Date): HookSubscription {
  const events = parts.flatMap((part) => {
    const list = part['events']
    return (Array.isArray(list) ? list : []).filter((event) => typeof event === 'string')
  })
  const expiresAt = earliest(parts.map((part) => momentOf(part['channel_expiry'])))
  return {
    id: channel,
    url: parts.map((part) => textIn(part, 'notify_url')).find((url) => url !== undefined) ?? '',
    active: expiresAt === undefined || expiresAt > now,
    ...(expiresAt ? { expiresAt } : {}),
    topics: [...new Set(events.flatMap(spelledOut))].sort(),
  }
}

async function list(context: ProviderContext): Promise<readonly HookSubscription[]> {
  const channels = new Map<string, JsonObject[]>()
  for (let page = 1; page <= mostPages; page++) {
    const answer = await ask(context, { method: 'GET', query: { page, per_page: perPage } })
    const parts = objectsIn(answer, 'watch')
    for (const part of parts) {
      const channel = textIn(part, 'channel_id')
      if (channel !== undefined) channels.set(channel, [...(channels.get(channel) ?? []), part])
    }
    const more = objectIn(answer, 'info')?.['more_records'] ?? parts.length >= perPage
    if (more !== true || parts.length === 0) break
  }
  return [...channels].map(([channel, parts]) => together(channel, parts, context.now()))
}

export const subscriptions: HookSubscriptions = {
  topics,
  list,
  async create(context, wish) {
    const id = channelOf(wish.url)
    return { id, ...(await put(context, 'POST', id, wish)) }
  },
  update: (context, id, wish) => put(context, 'PUT', id, wish),
  async remove(context, id) {
    const answer = await ask(context, { method: 'DELETE', query: { channel_ids: id }, repeatable: true })
    check(answer, ['SUCCESS', 'NOT_SUBSCRIBED'])
  },
}
