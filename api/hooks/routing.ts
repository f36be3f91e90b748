/** What a genuine body says, event by event, each with the connections it belongs to. */
import type { HookOwner, NewInboxEvent } from '../../db/inbox-accept.ts'
import type { HookTarget } from '../../db/hook-settings.ts'
import { HubError } from '../../platform/errors.ts'
import { newId } from '../../platform/new-id.ts'
import { sha256 } from '../../platform/secrets/hash.ts'
import type { HookEvent, HookRequest } from '../../providers/contract-webhook.ts'
import type { HookSource } from '../../providers/registry.ts'
import type { Targets } from './targets.ts'

export const ownerOf = ({ connectionId, partnerId, accountId }: HookTarget): HookOwner => ({
  connectionId,
  partnerId,
  accountId,
})

export interface Routed {
  readonly events: readonly NewInboxEvent[]
  /** Connections that have something to process. */
  readonly targets: readonly HookTarget[]
}

/**
 * At the URL of a connection everything is its own, unless the body names another tenant. At the URL of an app each event goes to
 * every connection of its tenant; one without any is kept as unmatched. A body that cannot be read is one dead event.
 */
export async function routed(
  targets: Targets,
  source: HookSource,
  request: HookRequest,
  target: HookTarget | undefined,
): Promise<Routed> {
  let events: readonly HookEvent[]
  try {
    events = source.webhooks.split(request)
  } catch (error) {
    return { events: [unreadable(request, target, error)], targets: [] }
  }
  if (target) {
    const owner = ownerOf(target)
    return {
      events: events.map((event) => inboxEvent(event, isAnothers(event, target, source) ? null : owner)),
      targets: [target],
    }
  }
  const tenants = events.flatMap(({ tenant }) => tenant ?? [])
  const found = await targets.byTenants(source.slug, tenants, source.webhooks)
  const shared = events.flatMap((event) => {
    const owners = event.tenant === undefined ? [] : (found.get(event.tenant) ?? [])
    return owners.length === 0
      ? [inboxEvent(event, null)]
      : owners.map((owner) => inboxEvent(event, ownerOf(owner)))
  })
  return { events: shared, targets: [...found.values()].flat() }
}

function isAnothers({ tenant }: HookEvent, target: HookTarget, { webhooks }: HookSource): boolean {
  const { tenantSetting } = webhooks
  const own =
    target.externalAccount ?? (tenantSetting === undefined ? undefined : target.settings[tenantSetting])
  return tenant !== undefined && own !== undefined && tenant !== own
}

const inboxEvent = (event: HookEvent, owner: HookOwner | null): NewInboxEvent => ({
  eventId: newId('inboxEvent'),
  owner,
  tenant: event.tenant ?? null,
  key: event.key,
  type: event.type,
  about: event.about,
  resource: event.resource ?? null,
  externalId: event.externalId ?? null,
  occurredAt: event.occurredAt ?? null,
  sequence: event.sequence ?? null,
  failure: null,
})

function unreadable(request: HookRequest, target: HookTarget | undefined, error: unknown): NewInboxEvent {
  const told = error instanceof HubError ? error.message : 'The body of the webhook cannot be read.'
  return {
    eventId: newId('inboxEvent'),
    owner: target ? ownerOf(target) : null,
    tenant: null,
    key: `unreadable:${sha256(request.body).toString('hex')}`,
    type: 'unreadable',
    about: 'unreadable',
    resource: null,
    externalId: null,
    occurredAt: null,
    sequence: null,
    failure: { code: 'Invalid', message: told },
  }
}
