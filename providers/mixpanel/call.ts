/** The calls to Mixpanel's APIs: each names the project, some the workspace. */
import type { JsonValue } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import type { ProviderContext, ProviderRequest, ProviderResponse, Settings } from '../contract.ts'
import type { Group } from './limits.ts'

export type Query = NonNullable<ProviderRequest['query']>

/** @throws HubError `NotConfigured` with the setting's name as people know it. */
export function needSetting(settings: Settings, name: string, label: string): string {
  const value = settings[name]
  if (value === undefined || value === '')
    throw new HubError('NotConfigured', `The Mixpanel connection lacks its ${label}`, {
      fields: [{ pointer: `/${name}`, detail: 'is missing' }],
    })
  return value
}

export const projectId = (settings: Settings): string => needSetting(settings, 'project_id', 'project id')
export const projectToken = (settings: Settings): string =>
  needSetting(settings, 'project_token', 'project token')
export const workspaceId = (settings: Settings): string =>
  needSetting(settings, 'workspace_id', 'workspace id')

/** The parameters that every call of the Query API takes. */
const project = (settings: Settings): Query => ({
  project_id: projectId(settings),
  workspace_id: settings['workspace_id'] || undefined,
})

/** A `GET` of the Query API: one of the 60 an hour. */
export function getQuery(
  context: ProviderContext,
  path: string,
  query: Query = {},
): Promise<ProviderResponse> {
  return context.call({
    method: 'GET',
    base: 'query',
    path,
    query: { ...project(context.settings), ...query },
    group: 'query',
  })
}

/** A `POST` of the Query API: a question with a form, which changes nothing. One of the 60 an hour. */
export function postQuery(
  context: ProviderContext,
  path: string,
  form?: Readonly<Record<string, string>>,
): Promise<ProviderResponse> {
  return context.call({
    method: 'POST',
    base: 'query',
    path,
    query: project(context.settings),
    ...(form ? { form } : {}),
    group: 'query',
    repeatable: true,
  })
}

export interface AppCall {
  readonly method: ProviderRequest['method']
  readonly path: string
  readonly query?: Query
  readonly body?: JsonValue
  readonly repeatable?: boolean
  readonly accept?: readonly number[]
  readonly group?: Group
}

/** A call of the App API (`/api/app`). */
export function callApp(context: ProviderContext, call: AppCall): Promise<ProviderResponse> {
  return context.call({ group: 'app', ...call, base: 'app' })
}
