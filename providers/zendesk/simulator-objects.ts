/** The simulated account's objects, made from a seed and a number: real field names, realistic sizes, the same each time. */
import type { JsonObject, JsonValue } from '../../model/json.ts'
import { createChance, type Chance } from '../../sandbox/kit.ts'

export const subdomain = 'tieline-sandbox'
const base = `https://${subdomain}.zendesk.com`

/** First id of each kind. Ticket numbers are small in real accounts, everything else is long. */
export const firstIds = {
  organizations: 360_000_000_000,
  users: 370_000_000_000,
  tickets: 1,
  comments: 410_000_000_000,
  satisfaction_ratings: 380_000_000_000,
  sections: 390_000_000_000,
  articles: 400_000_000_000,
} as const
export type Kind = keyof typeof firstIds
export const kinds = Object.keys(firstIds) as Kind[]

export type Sizes = Readonly<Record<Kind, number>>

/** Text or a number as text; nothing else is. */
export const wordOf = (value: JsonValue | undefined): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : ''

/** Seconds since 1970 as the API writes times. */
export const time = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')

const firstNames = [
  'Ana',
  'Bojan',
  'Chidi',
  'Dana',
  'Emil',
  'Farah',
  'Goran',
  'Hana',
  'Ivo',
  'Jun',
  'Kai',
  'Léa',
  'Mina',
  'Noor',
  'Otto',
  'Zoë',
]
const lastNames = [
  'Silva',
  'Okafor',
  'Novák',
  'Lindqvist',
  'Tanaka',
  'Moreau',
  'Haddad',
  'Keller',
  'Rossi',
  'Øberg',
  'Nguyen',
  'Brandt',
]
const companies = [
  'Groablet',
  'Northwind Mills',
  'Kestrel Labs',
  'Ostrava Foods',
  'Blue Quay',
  'Sundial Travel',
  'Pine & Hollow',
  'Meridian Press',
]
const things = [
  'printer',
  'invoice',
  'login',
  'export',
  'delivery',
  'refund',
  'mobile app',
  'dashboard',
  'password',
  'subscription',
  'webhook',
  'report',
]
const troubles = [
  'does not arrive',
  'is on fire',
  'shows the wrong total',
  'stopped working',
  'takes very long',
  'cannot be found',
  'was charged twice',
  'needs an update',
]
const sentences = [
  'It began this morning and happens every time.',
  'We tried another browser and a second account without any luck.',
  'Our team depends on this, so a quick answer would help a lot.',
  'The screenshot shows the state after the third attempt.',
  'Yesterday it still worked as described in the manual.',
  'Please tell us what else you need from our side.',
  'Grüße aus Köln — そして東京からも。',
  'The order number is in the subject of the first e-mail that we sent.',
]
const tags = ['billing', 'enterprise', 'vip', 'bug', 'how_to', 'mobile', 'eu', 'beta', 'urgent', 'follow_up']

const chanceFor = (seed: number, kind: Kind, index: number): Chance =>
  createChance((seed * 2654435761 + firstIds[kind] + index * 40503) >>> 0)

const text = (chance: Chance, count: number): string =>
  Array.from({ length: count }, () => chance.pick(sentences)).join(' ')
const someTags = (chance: Chance): string[] => [
  ...new Set(Array.from({ length: chance.below(4) }, () => chance.pick(tags))),
]
const oneOf = (chance: Chance, kind: Kind, sizes: Sizes): number | null =>
  sizes[kind] === 0 ? null : firstIds[kind] + chance.below(sizes[kind])

/** The object number `index` of a kind, as it was first made at `at` (seconds since 1970). */
export function makeObject(kind: Kind, seed: number, index: number, at: number, sizes: Sizes): JsonObject {
  return { id: firstIds[kind] + index, ...makers[kind](chanceFor(seed, kind, index), index, at, sizes) }
}

type Maker = (chance: Chance, index: number, at: number, sizes: Sizes) => JsonObject

const makers: Readonly<Record<Kind, Maker>> = {
  organizations: (chance, index, at) => ({
    url: `${base}/api/v2/organizations/${firstIds.organizations + index}.json`,
    name: `${chance.pick(companies)} ${index + 1}`,
    external_id: index % 3 === 0 ? `ORG-${1000 + index}` : null,
    domain_names: [`company${index}.example`],
    details: text(chance, 1),
    notes: index % 4 === 0 ? text(chance, 1) : '',
    group_id: null,
    shared_tickets: false,
    shared_comments: false,
    tags: someTags(chance),
    organization_fields: { plan: chance.pick(['free', 'team', 'enterprise']), seats: chance.below(200) },
    created_at: time(at),
    updated_at: time(at),
  }),
  users: (chance, index, at, sizes) => ({
    url: `${base}/api/v2/users/${firstIds.users + index}.json`,
    name: index === 0 ? 'Sandbox Admin' : `${chance.pick(firstNames)} ${chance.pick(lastNames)}`,
    email: index === 0 ? adminEmail : `user${index}@company${index % 97}.example`,
    created_at: time(at),
    updated_at: time(at),
    time_zone: chance.pick(['Berlin', 'Eastern Time (US & Canada)', 'Tokyo', 'London']),
    iana_time_zone: chance.pick(['Europe/Berlin', 'America/New_York', 'Asia/Tokyo', 'Europe/London']),
    phone: index % 2 === 0 ? `+49 30 ${100000 + index}` : null,
    shared_phone_number: null,
    photo: null,
    locale_id: 1,
    locale: 'en-US',
    organization_id: index === 0 ? null : oneOf(chance, 'organizations', sizes),
    role: index === 0 ? 'admin' : index % 20 === 1 ? 'agent' : 'end-user',
    verified: chance.next() < 0.8,
    external_id: index % 5 === 0 ? `U-${index}` : null,
    tags: someTags(chance),
    alias: '',
    active: true,
    shared: false,
    shared_agent: false,
    last_login_at: null,
    two_factor_auth_enabled: false,
    signature: null,
    details: '',
    notes: '',
    role_type: null,
    custom_role_id: null,
    moderator: false,
    ticket_restriction: null,
    only_private_comments: false,
    restricted_agent: false,
    suspended: false,
    default_group_id: null,
    report_csv: false,
    user_fields: { score: chance.below(100) },
  }),
  tickets: (chance, index, at, sizes) => {
    const subject = `${chance.pick(things)} ${chance.pick(troubles)}`
    const requester = oneOf(chance, 'users', sizes)
    return {
      url: `${base}/api/v2/tickets/${firstIds.tickets + index}.json`,
      external_id: index % 10 === 0 ? `T-${index}` : null,
      via: { channel: chance.pick(['web', 'email', 'api']), source: { from: {}, to: {}, rel: null } },
      created_at: time(at),
      updated_at: time(at),
      generated_timestamp: at,
      type: chance.pick(['question', 'incident', 'problem', 'task']),
      subject,
      raw_subject: subject,
      description: text(chance, 3),
      priority: chance.pick(['low', 'normal', 'high', 'urgent']),
      status: chance.pick(['new', 'open', 'pending', 'hold', 'solved', 'closed']),
      recipient: 'support@tieline-sandbox.example',
      requester_id: requester,
      submitter_id: requester,
      assignee_id: sizes.users > 0 ? firstIds.users : null,
      organization_id: oneOf(chance, 'organizations', sizes),
      group_id: 98738,
      collaborator_ids: [],
      follower_ids: [],
      email_cc_ids: [],
      forum_topic_id: null,
      problem_id: null,
      has_incidents: false,
      is_public: true,
      due_at: null,
      tags: someTags(chance),
      custom_fields: [
        { id: 27642, value: String(chance.below(1000)) },
        { id: 27648, value: chance.pick(['yes', 'no', null]) },
      ],
      satisfaction_rating: { score: chance.pick(['unoffered', 'offered', 'good', 'bad']) },
      sharing_agreement_ids: [],
      custom_status_id: 1900000000000 + chance.below(6),
      fields: [],
      followup_ids: [],
      ticket_form_id: 47,
      brand_id: 123,
      allow_channelback: false,
      allow_attachments: true,
      from_messaging_channel: false,
    }
  },
  comments: (chance, index, at, sizes) => {
    const body = text(chance, 2)
    return {
      // Spread over the tickets in their order, so that a ticket's comments are about as old as the ticket.
      ticket_id: firstIds.tickets + Math.floor((index * sizes.tickets) / Math.max(1, sizes.comments)),
      type: 'Comment',
      author_id: oneOf(chance, 'users', sizes),
      body,
      html_body: `<div class="zd-comment"><p>${body}</p></div>`,
      plain_body: body,
      public: chance.next() < 0.8,
      attachments:
        index % 50 === 0
          ? [
              {
                id: 498483 + index,
                file_name: 'screenshot.png',
                content_type: 'image/png',
                size: 2532,
                content_url: `${base}/attachments/${index}/screenshot.png`,
                thumbnails: [],
              },
            ]
          : [],
      audit_id: 510_000_000_000 + index,
      via: { channel: 'web', source: { from: {}, to: {}, rel: null } },
      created_at: time(at),
      metadata: { system: {}, custom: {} },
    }
  },
  satisfaction_ratings: (chance, index, at, sizes) => ({
    url: `${base}/api/v2/satisfaction_ratings/${firstIds.satisfaction_ratings + index}.json`,
    assignee_id: sizes.users > 0 ? firstIds.users : null,
    group_id: 98738,
    requester_id: oneOf(chance, 'users', sizes),
    ticket_id: oneOf(chance, 'tickets', sizes),
    score: chance.pick(['good', 'good', 'good', 'bad', 'offered']),
    comment: chance.next() < 0.3 ? chance.pick(['Great support!', 'Too slow.', 'Solved at once.']) : null,
    reason: chance.pick(['No reason provided', 'The issue took too long to resolve', 'Some other reason']),
    reason_id: chance.below(5),
    reason_code: chance.below(5),
    created_at: time(at),
    updated_at: time(at),
  }),
  sections: (_chance, index, at) => ({
    url: `${base}/api/v2/help_center/en-us/sections/${firstIds.sections + index}.json`,
    html_url: `${base}/hc/en-us/sections/${firstIds.sections + index}`,
    category_id: 35467,
    position: index,
    sorting: 'manual',
    created_at: time(at),
    updated_at: time(at),
    name: `Section ${index + 1}`,
    description: 'Answers to what is asked most.',
    locale: 'en-us',
    source_locale: 'en-us',
    outdated: false,
    parent_section_id: null,
    theme_template: 'section_page',
  }),
  articles: (chance, index, at, sizes) => ({
    url: `${base}/api/v2/help_center/en-us/articles/${firstIds.articles + index}.json`,
    html_url: `${base}/hc/en-us/articles/${firstIds.articles + index}`,
    author_id: sizes.users > 0 ? firstIds.users : null,
    comments_disabled: true,
    draft: chance.next() < 0.1,
    promoted: false,
    position: 0,
    vote_sum: chance.below(50),
    vote_count: 50 + chance.below(50),
    section_id: oneOf(chance, 'sections', sizes),
    created_at: time(at),
    updated_at: time(at),
    edited_at: time(at),
    name: `How to fix the ${chance.pick(things)} (${index + 1})`,
    title: `How to fix the ${chance.pick(things)} (${index + 1})`,
    source_locale: 'en-us',
    locale: 'en-us',
    outdated: false,
    outdated_locales: [],
    user_segment_id: null,
    permission_group_id: 56,
    content_tag_ids: [],
    label_names: someTags(chance),
    body: `<p>${text(chance, 6)}</p>`,
  }),
}

export const adminEmail = 'admin@tieline-sandbox.example'
