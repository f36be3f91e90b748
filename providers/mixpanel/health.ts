import type { HealthCheck } from '../contract.ts'
import { HubError } from '../../platform/errors.ts'
import { fieldsIn, isFields, resultsOf, protocolError, textIn } from './answer.ts'
import { callApp, projectId } from './call.ts'

/**
 * `/me` proves the credential and shows which projects it reaches; it costs none of the hour's queries. An account that
 * belongs to no project signs in all the same (fact sheet §9), so the project is looked for.
 */
export const health: HealthCheck = {
  async check(context) {
    const results = resultsOf(await callApp(context, { method: 'GET', path: '/me' }), 'me')
    if (!isFields(results)) throw protocolError('me: "results" is no object')
    const id = projectId(context.settings)
    const projects = fieldsIn(results, 'projects')
    if (!Object.hasOwn(projects, id))
      throw new HubError(
        'Forbidden',
        `The service account signs in, but is no member of project ${id}. Add it in Organization Settings › Service Accounts.`,
      )
    const project = fieldsIn(projects, id)
    const name = textIn(project, 'name')
    const role = textIn(fieldsIn(project, 'role'), 'name') ?? textIn(project, 'role') ?? null
    return {
      proves: `signed in as a service account with access to project ${id}${name === undefined ? '' : ` (${name})`}`,
      facts: {
        region: context.settings['region'] ?? '',
        projectId: id,
        role,
        projects: Object.keys(projects).length,
        mayWriteProfiles: (context.settings['project_token'] ?? '') !== '',
      },
    }
  },
}
