/**
 * Cohort sync to a custom webhook, the only one that Mixpanel has: who entered and who left a cohort, page by page. Not signed: Basic
 * auth and an unguessable URL. A member's body is all that a reading says of a membership. Sources: README, "Webhooks".
 */
import type {
  HookAnswer,
  HookEvent,
  HookRequest,
  HookSampleSpec,
  HookSampleWish,
  Webhooks,
} from '../contract-webhook.ts'
import { objectIn, objectOf, objectsIn, textIn, unreadable } from '../hooks/parse.ts'
import { sampleNamed } from '../hooks/sample.ts'
import { basicHeader, checkBasic } from '../hooks/verify.ts'
import type { JsonObject } from '../../model/json.ts'
import { idText } from './answer.ts'

/** Chosen by us and entered at Mixpanel; the secret is the password. */
const user = 'tieline'
const resource = 'cohort_members'

const effects: Readonly<Record<string, 'changed' | 'deleted'>> = {
  // The whole cohort. Who is not in it any more shows in the next sync: a page cannot tell.
  members: 'changed',
  add_members: 'changed',
  remove_members: 'deleted',
}
const aboutOf = (action: string | undefined): 'changed' | 'deleted' | undefined =>
  action !== undefined && Object.hasOwn(effects, action) ? effects[action] : undefined

/** What all events of a page share. */
interface Page {
  readonly action: string
  readonly cohort: string
  readonly base: Pick<HookEvent, 'type' | 'tenant'>
  readonly key: string
  readonly payload: JsonObject
}

function split(request: HookRequest): HookEvent[] {
  const body = objectOf(request)
  const action = textIn(body, 'action') ?? ''
  const parameters = objectIn(body, 'parameters') ?? {}
  const { members: _members, ...about } = parameters
  const tenant = textIn(parameters, 'mixpanel_project_id')
  const session = textIn(parameters, 'mixpanel_session_id')
  const cohort = textIn(parameters, 'mixpanel_cohort_id')
  if (session === undefined || cohort === undefined) throw unreadable('it names no session or no cohort')
  const page: Page = {
    action,
    cohort,
    base: { type: `cohort.${action}`, ...(tenant === undefined ? {} : { tenant }) },
    // A session is one export: whoever comes again in it, on whatever page, is the same event.
    key: [session, cohort, action].join('/'),
    payload: { action, ...about },
  }
  const number = textIn(objectIn(parameters, 'page_info') ?? {}, 'page_count') ?? '1'
  if (aboutOf(action) === undefined)
    return [{ ...page.base, key: `${page.key}/${number}`, about: 'unknown', payload: body }]
  const members = objectsIn(parameters, 'members')
  // "add_members() | remove_members() calls are made" where nothing has changed.
  if (members.length === 0)
    return [{ ...page.base, key: `${page.key}/${number}`, about: 'notice', payload: page.payload }]
  const events = members.map((member, place) => eventOf(page, member, `${number}/${place}`))
  return [...new Map(events.map((event) => [event.key, event])).values()]
}

function eventOf({ action, cohort, base, key, payload }: Page, member: JsonObject, place: string): HookEvent {
  const about = aboutOf(action)
  const id = textIn(member, 'mixpanel_distinct_id')
  const own = { ...payload, member }
  if (id === undefined || !about) return { ...base, key: `${key}/?/${place}`, about: 'unknown', payload: own }
  return {
    ...base,
    key: `${key}/id/${id}`,
    about,
    resource,
    externalId: `${cohort}:${id}`,
    // As `cohorts.ts` reads it.
    ...(about === 'changed' ? { row: { cohort_id: cohort, $distinct_id: id } } : {}),
    payload: own,
  }
}

const knownAction = (request: HookRequest): string | undefined => {
  try {
    const action = textIn(objectOf(request), 'action')
    return aboutOf(action) === undefined ? undefined : action
  } catch {
    return undefined
  }
}

/** In the shape that is expected: the action that was sent, and how it went. */
function answer(request: HookRequest, status: number, error?: string): HookAnswer {
  const action = knownAction(request)
  const body = {
    ...(action === undefined ? {} : { action }),
    ...(error === undefined
      ? { status: 'success' }
      : { status: 'failure', error: { message: error, code: status } }),
  }
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

const samples: readonly HookSampleSpec[] = [
  { event: 'add_members', title: 'Somebody entered a cohort', resource, effect: 'created' },
  { event: 'members', title: 'All members of a cohort', resource, effect: 'updated' },
  { event: 'remove_members', title: 'Somebody left a cohort', resource, effect: 'deleted' },
  { event: 'add_members.none', title: 'A sync in which nobody entered' },
]

function sampleBody({ event, tenant, externalId, row, id }: HookSampleWish): JsonObject {
  const [first = '', ...others] = externalId.split(':')
  const isPair = others.length > 0
  const cohort = idText(row?.['cohort_id']) ?? (isPair ? first : '1200001')
  const member = idText(row?.['$distinct_id']) ?? (isPair ? others.join(':') : first)
  const person = { email: 'ana@example.com', first_name: 'Ana', last_name: 'Sol' }
  return {
    action: event.replace(/\..*$/, ''),
    parameters: {
      mixpanel_project_id: tenant,
      mixpanel_cohort_id: cohort,
      mixpanel_cohort_name: 'Power users',
      mixpanel_cohort_description: '',
      mixpanel_session_id: id,
      page_info: { total_pages: 1, page_count: 1 },
      members: event.endsWith('.none') ? [] : [{ ...person, mixpanel_distinct_id: member }],
    },
  }
}

export const webhooks: Webhooks = {
  scope: 'connection',
  secrets: [
    {
      name: 'password',
      title: 'Password',
      help: `Made here. Enter it at Mixpanel with the user name "${user}".`,
      madeBy: 'hub',
    },
  ],
  tenantSetting: 'project_id',
  // Not documented which one is sent.
  contentTypes: [],
  // 1,000 members a call, with as many properties as were chosen.
  maxBytes: 8_000_000,
  unguessableUrl: true,
  verify: (request, secrets) => [checkBasic(request, user, secrets['password'])],
  accepted: (request) => answer(request, 200),
  // A 401 pauses the syncs until somebody looks, and Mixpanel mails those who set them up: what a wrong password asks for.
  refused: (request) =>
    answer(request, 401, 'User name, password or URL is not the one that the hub expects.'),
  split,
  setup: [
    'In Mixpanel open **Data › Integrations**, choose **Custom Webhook** and add a connection.',
    `Enter \`{url}\` as the URL, \`${user}\` as the user name and \`{secret:password}\` as the password. The URL cannot be changed afterwards: remove the connection and add another one.`,
    'Open each cohort that the hub shall hear of, choose **Export › Webhook** and this connection, and let it sync continuously (every 30 minutes).',
  ],
  samples,
  sample(wish) {
    sampleNamed(samples, wish.event)
    return {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: basicHeader(user, wish.secrets['password'] ?? ''),
      },
      body: JSON.stringify(sampleBody(wish)),
    }
  },
}
