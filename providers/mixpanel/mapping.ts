/** Default mappings from Mixpanel's objects to the hub's models, and of profiles outwards (fact sheet §11). */
import type { FieldMapping, FieldRule, OutwardMapping } from '../../model/mapping.ts'

const text = (to: string, from: string): FieldRule => ({ to, from, convert: 'text' })
const time = (to: string, from: string): FieldRule => ({ to, from, convert: 'time' })
const asIs = (to: string, from: string): FieldRule => ({ to, from })
/** A time without offset: the project's zone where the row tells it, else UTC. */
const localTime = (to: string, from: string): FieldRule => ({
  ...time(to, from),
  zone: { from: 'derived.zone', constant: 'UTC' },
})

export const eventMapping: FieldMapping = {
  model: 'event',
  rules: [
    text('id', 'derived.id'),
    text('name', 'event'),
    time('occurredAt', 'derived.occurred_at'),
    { to: 'receivedAt', from: 'properties.mp_processing_time_ms', convert: 'milliseconds' },
    text('profileId', 'properties.distinct_id'),
    text('anonymousId', 'properties.$device_id'),
    text('sessionId', 'properties.$session_id'),
    text('city', 'properties.$city'),
    text('country', 'properties.mp_country_code'),
    asIs('properties', 'properties'),
  ],
}

export const profileMapping: FieldMapping = {
  model: 'profile',
  rules: [
    text('id', '$distinct_id'),
    text('email', '$properties.$email'),
    { ...text('name', '$properties.$name'), when: { '!!': [{ var: '$properties.$name' }] } },
    { to: 'name', concat: { from: ['$properties.$first_name', '$properties.$last_name'], with: ' ' } },
    text('givenName', '$properties.$first_name'),
    text('familyName', '$properties.$last_name'),
    text('phone', '$properties.$phone'),
    text('city', '$properties.$city'),
    text('country', '$properties.$country_code'),
    localTime('lastSeenAt', '$properties.$last_seen'),
    localTime('createdAt', '$properties.$created'),
    localTime('updatedAt', '$properties.$last_seen'),
    asIs('properties', '$properties'),
  ],
}

/** `$properties.…` becomes `$set` and, for null, `$unset`: see `profile-write.ts`. */
export const profileOutward: OutwardMapping = {
  model: 'profile',
  rules: [
    asIs('$distinct_id', 'id'),
    asIs('$properties.$email', 'email'),
    asIs('$properties.$name', 'name'),
    asIs('$properties.$first_name', 'givenName'),
    asIs('$properties.$last_name', 'familyName'),
    asIs('$properties.$phone', 'phone'),
    asIs('$properties.$city', 'city'),
    asIs('$properties.$country_code', 'country'),
  ],
}

export const cohortMapping: FieldMapping = {
  model: 'segment',
  rules: [
    text('id', 'id'),
    text('name', 'name'),
    text('description', 'description'),
    { to: 'kind', constant: 'dynamic' },
    asIs('size', 'count'),
    localTime('createdAt', 'created'),
  ],
}

export const memberMapping: FieldMapping = {
  model: 'membership',
  rules: [
    { to: 'id', concat: { from: ['cohort_id', '$distinct_id'], with: ':' } },
    text('segmentId', 'cohort_id'),
    text('memberId', '$distinct_id'),
  ],
}

export const funnelMapping: FieldMapping = {
  model: 'report',
  rules: [text('id', 'funnel_id'), text('name', 'name'), { to: 'type', constant: 'funnel' }],
}

export const experimentMapping: FieldMapping = {
  model: 'experiment',
  rules: [
    text('id', 'id'),
    text('name', 'name'),
    text('hypothesis', 'hypothesis'),
    { ...text('status', 'status'), values: { success: 'succeeded', fail: 'failed' } },
    { to: 'variants', from: 'derived.variants', convert: 'texts', fallback: [] },
    time('startedAt', 'start_date'),
    time('endedAt', 'end_date'),
    time('createdAt', 'created'),
    time('updatedAt', 'modified'),
  ],
}

export const annotationMapping: FieldMapping = {
  model: 'annotation',
  rules: [
    text('id', 'id'),
    text('text', 'description'),
    localTime('at', 'date'),
    text('authorId', 'user.id'),
  ],
}
