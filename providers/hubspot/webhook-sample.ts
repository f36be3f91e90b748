/** Samples with HubSpot's own field names, signed as it signs. */
import { createHash } from 'node:crypto'
import type { HookSample, HookSampleSpec, HookSampleWish } from '../contract-webhook.ts'
import { sampleNamed, samplesOf } from '../hooks/sample.ts'
import type { JsonObject } from '../../model/json.ts'
import { byTypeId } from './webhook-split.ts'
import { sign, signatureHeader, timeHeader } from './webhook-verify.ts'

/** Objects with types of their own; activities are told of by generic types. */
const own = { contact: 'contacts', company: 'companies', deal: 'deals', ticket: 'tickets' }
const activities = { call: 'calls', email: 'emails', meeting: 'meetings', note: 'notes', task: 'tasks' }

export const samples: readonly HookSampleSpec[] = [
  ...samplesOf(own),
  ...samplesOf(activities, ['updated']),
  { event: 'contact.merged', title: 'contact merged', resource: 'contacts', effect: 'updated' },
  { event: 'contact.erased', title: 'contact erased (privacy)', resource: 'contacts', effect: 'deleted' },
]

const happenings: Readonly<Record<string, string>> = {
  created: 'creation',
  updated: 'propertyChange',
  deleted: 'deletion',
  merged: 'merge',
  erased: 'privacyDeletion',
}

/** Numbers go as numbers. */
const idOf = (text: string): string | number => (/^\d{1,15}$/.test(text) ? Number(text) : text)
const numberOf = (text: string): number =>
  Number.parseInt(createHash('sha256').update(text).digest('hex').slice(0, 8), 16)

function bodyOf({ event, tenant, externalId, now, id }: HookSampleWish): JsonObject[] {
  const { resource } = sampleNamed(samples, event)
  const [name = '', what = ''] = event.split('.')
  const typeId = Object.hasOwn(own, name)
    ? undefined
    : Object.entries(byTypeId).find(([, one]) => one === resource)?.[0]
  const moved = { propertyName: 'hs_timestamp', propertyValue: now.toISOString(), isSensitive: false }
  const more: Readonly<Record<string, JsonObject>> = {
    updated: typeId === undefined ? { propertyName: 'lifecyclestage', propertyValue: 'customer' } : moved,
    merged: {
      primaryObjectId: idOf(externalId),
      // An id that nobody has.
      mergedObjectIds: [9_000_000_000_000 + numberOf(id)],
      newObjectId: idOf(externalId),
      numberOfPropertiesMoved: 3,
    },
  }
  return [
    {
      eventId: numberOf(id),
      subscriptionId: 190,
      portalId: idOf(tenant),
      appId: 1160452,
      occurredAt: now.getTime(),
      subscriptionType: `${typeId === undefined ? name : 'object'}.${happenings[what] ?? what}`,
      attemptNumber: 0,
      objectId: idOf(externalId),
      ...(typeId === undefined ? {} : { objectTypeId: typeId }),
      changeSource: 'CRM',
      ...more[what],
    },
  ]
}

export function sample(wish: HookSampleWish): HookSample {
  const body = JSON.stringify(bodyOf(wish))
  const time = String(wish.now.getTime())
  const signature = sign(wish.secrets['clientSecret'] ?? '', { method: 'POST', url: wish.url, body, time })
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json', [timeHeader]: time, [signatureHeader]: signature },
    body,
  }
}
