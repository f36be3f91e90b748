/** The simulated API's endpoints, Pipedrive's own paths, and what each costs in tokens (README, "Limits"). */
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { createRouter, type Handler, type Route, type SimulatorReply } from '../../sandbox/kit.ts'
import { change, type Company } from './simulator-edits.ts'
import { list, ok, oldList, one, refused, rowsOf, type ListRules } from './simulator-lists.ts'
import { adminId, companyId, domain, isDeleted, textOf, type Kind } from './simulator-objects.ts'
import { createWebhook, listWebhooks, removeWebhook, type Hooks } from './simulator-webhooks.ts'

export interface Scene {
  readonly company: Company
  readonly hooks: Hooks
  readonly now: Date
  readonly page: number
}

type Answer = Handler<Scene>

const byTime = ['id', 'update_time', 'add_time']

const all =
  (kind: Kind, more: Partial<ListRules> = {}, has: (row: JsonObject) => boolean = () => true): Answer =>
  ({ company, now, page }, request) =>
    list(rowsOf(company.tables[kind]).filter(has), request, {
      sortable: byTime,
      hasStatus: false,
      now,
      page,
      ...more,
    })

const single =
  (kind: Kind, what: string): Answer =>
  ({ company }, _request, [id = '']) =>
    one(company.tables[kind], id, what)

const isArchived = (row: JsonObject): boolean => row['is_archived'] === true

const old =
  (kind: Kind, canFollow: boolean, has: (row: JsonObject) => boolean): Answer =>
  ({ company, page }, request) =>
    oldList(
      rowsOf(company.tables[kind]).filter((row) => !isDeleted(row) && has(row)),
      request,
      { sortable: [...byTime, 'title', 'owner_id'], page },
      canFollow,
    )

function me({ company }: Scene): SimulatorReply {
  const user = company.tables.users.get(String(adminId)) ?? {}
  return ok({
    ...user,
    id: adminId,
    is_you: true,
    access: [{ app: 'global', admin: true, permission_set_id: 'a1' }],
    company_id: companyId,
    company_name: 'Tieline Sandbox',
    company_domain: domain,
    company_country: 'EE',
  })
}

/** Stricter than v1: numbers must be numbers. */
const patchDeal: Answer = ({ company }, { body }, [id = '']) => {
  const deal = company.tables.deals.get(id)
  if (!deal || isDeleted(deal)) return refused(404, 'Deal not found')
  if (isArchived(deal)) return refused(403, 'Archived deals cannot be edited')
  const fields = isJsonObject(body) ? body : {}
  const { stage_id: stage, status } = fields
  const stageRow = stage === undefined ? undefined : company.tables.stages.get(textOf(stage))
  if (stage !== undefined && (typeof stage !== 'number' || !stageRow))
    return refused(400, 'Validation failed: stage_id is invalid')
  if (status !== undefined && !['open', 'won', 'lost'].includes(textOf(status)))
    return refused(400, 'Validation failed: status is invalid')
  change(company, 'deals', id, {
    ...fields,
    ...(stageRow ? { pipeline_id: stageRow['pipeline_id'] ?? null } : {}),
  })
  return ok(company.tables.deals.get(id) ?? null)
}

/** One euro is one dollar here. */
const summary: Answer = ({ company }, { query }) => {
  const filters = [
    ['status', 'status'],
    ['pipeline_id', 'pipeline_id'],
    ['stage_id', 'stage_id'],
    ['user_id', 'owner_id'],
  ] as const
  const chosen = rowsOf(company.tables.deals).filter(
    (row) =>
      !isDeleted(row) &&
      !isArchived(row) &&
      filters.every(([name, field]) => !query.has(name) || query.get(name) === textOf(row[field])),
  )
  const value = (row: JsonObject) => Number(row['value'] ?? 0)
  const weighted = (row: JsonObject) => (value(row) * Number(row['probability'] ?? 100)) / 100
  const sum = (of: (row: JsonObject) => number) => chosen.reduce((total, row) => total + of(row), 0)
  return ok({
    total_count: chosen.length,
    total_currency_converted_value: sum(value),
    total_weighted_currency_converted_value: sum(weighted),
  })
}

type Priced = readonly [cost: number, route: Route<Scene>]

/** `[V]` of v2's lists and of v1 by type of endpoint; the rest is derived from those. */
const priced: readonly Priced[] = [
  [10, ['GET', '/api/v2/deals', all('deals', { hasStatus: true }, (row) => !isArchived(row))]],
  [10, ['GET', '/api/v2/deals/archived', all('deals', { hasStatus: true }, isArchived)]],
  [10, ['GET', '/api/v2/persons', all('persons')]],
  [10, ['GET', '/api/v2/organizations', all('organizations')]],
  [10, ['GET', '/api/v2/activities', all('activities', { sortable: [...byTime, 'due_date'] })]],
  [10, ['GET', '/api/v2/products', all('products', { sortable: [...byTime, 'name'] })]],
  [10, ['GET', '/api/v2/pipelines', all('pipelines')]],
  [10, ['GET', '/api/v2/stages', all('stages', { sortable: [...byTime, 'order_nr'] })]],
  [1, ['GET', '/api/v2/deals/:id', single('deals', 'Deal')]],
  [5, ['PATCH', '/api/v2/deals/:id', patchDeal]],
  [2, ['GET', '/api/v1/users/me', me]],
  [20, ['GET', '/api/v1/users', ({ company }) => ok(rowsOf(company.tables.users))]],
  [20, ['GET', '/api/v1/leads', old('leads', true, (row) => !isArchived(row))]],
  [20, ['GET', '/api/v1/leads/archived', old('leads', false, isArchived)]],
  [2, ['GET', '/api/v1/leads/:uuid', single('leads', 'Lead')]],
  [20, ['GET', '/api/v1/notes', old('notes', true, () => true)]],
  [2, ['GET', '/api/v1/notes/:id', single('notes', 'Note')]],
  [40, ['GET', '/api/v1/deals/summary', summary]],
  [10, ['GET', '/api/v1/webhooks', ({ hooks }) => listWebhooks(hooks)]],
  [10, ['POST', '/api/v1/webhooks', ({ hooks }, request) => createWebhook(hooks, request)]],
  [6, ['DELETE', '/api/v1/webhooks/:id', ({ hooks }, _request, [id = '']) => removeWebhook(hooks, id)]],
]

export const route = createRouter(priced.map(([, one]) => one))

/** What a call costs; found by the same patterns. */
const costs = createRouter<null>(
  priced.map(([cost, [method, path]]): Route<null> => [method, path, () => ({ status: cost })]),
)
export const costOf: (request: Parameters<typeof costs>[1]) => number = (request) =>
  costs(null, request, request.path)?.status ?? 1
