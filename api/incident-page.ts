/**
 * The page behind a link in an alert. Reading it changes nothing: scanners of mail follow links, people press buttons. No cookie and no
 * session: the link is the proof.
 */
import type { Middleware } from 'koa'
import { actOnIncident } from '../db/incident-acts.ts'
import { getIncident, type Incident } from '../db/incidents.ts'
import type { IncidentLink } from '../platform/secrets/incident-link.ts'
import { layout, plainDress } from './connect/layout.ts'
import { markup } from '../model/markup.ts'
import { pageRoute, type PageAnswer, type PageCall } from './connect/page-route.ts'
import type { ApiDeps } from './deps.ts'
import type { Method } from './description.ts'
import type { RequestState } from './request-state.ts'
import { wakeIncident } from './resources/incidents.ts'

const path = '/incidents/act/:token'

export function incidentRoutes(
  deps: ApiDeps,
): readonly (readonly [method: Method, path: string, handler: Middleware<RequestState>])[] {
  return [
    ['get', path, pageRoute(deps, path, show)],
    ['post', path, pageRoute(deps, path, act)],
  ]
}

const texts = {
  acknowledge: { button: 'Take it on', done: 'You have taken it on', quiet: 'Nobody else is told.' },
  snooze: {
    button: 'Snooze for an hour',
    done: 'It is put off for an hour',
    quiet: 'Then it is told again.',
  },
  resolve: { button: 'It is over', done: 'It is marked as over', quiet: 'What still fails opens it again.' },
} as const

function say(status: number, title: string, text: string): PageAnswer {
  const body = markup`<h1>${title}</h1>
<p class="lead">${text}</p>`
  return { status, page: layout({ title, dress: plainDress, isNamed: false, body }) }
}

type Opened = { readonly answer: PageAnswer } | { readonly link: IncidentLink; readonly incident: Incident }

async function open({ deps, subject }: PageCall): Promise<Opened> {
  const link = await deps.incidentLinks.read(subject)
  if (link === 'expired')
    return {
      answer: say(410, 'This link is too old', 'Look at the newest message, or ask `tieline incidents`.'),
    }
  if (link === 'invalid')
    return { answer: say(404, 'This link does not work', 'Open it as it stands in the message.') }
  const incident = await getIncident(deps.hubDatabase.db, link.incidentId)
  if (!incident) return { answer: say(404, 'This link does not work', 'The incident is not there any more.') }
  if (incident.reopened !== link.reopened)
    return {
      answer: say(
        410,
        'This link is too old',
        'The problem has come back since. Look at the newest message.',
      ),
    }
  if (incident.state === 'resolved')
    return { answer: say(200, 'It is over', `${incident.title}: ${incident.resolution ?? 'resolved'}`) }
  return { link, incident }
}

async function show(call: PageCall): Promise<PageAnswer> {
  const opened = await open(call)
  if ('answer' in opened) return opened.answer
  const { link, incident } = opened
  const { button, quiet } = texts[link.action]
  const body = markup`<h1>${incident.title}</h1>
<p class="lead">${incident.summary}</p>
<form method="post"><button class="primary">${button}</button></form>
<p class="quiet">${quiet}</p>`
  return { status: 200, page: layout({ title: incident.title, dress: plainDress, isNamed: false, body }) }
}

const snoozeMs = 3_600_000

async function act(call: PageCall): Promise<PageAnswer> {
  const opened = await open(call)
  if ('answer' in opened) return opened.answer
  if (!call.isOwnRequest)
    return say(403, 'That did not work', 'Open the link itself and press the button there.')
  const { deps } = call
  const { link, incident } = opened
  const until = new Date(Date.now() + snoozeMs)
  const { incident: after } = await actOnIncident(deps.hubDatabase.db, {
    ...{ incidentId: incident.incidentId, actor: `link:${link.channelId}` },
    act: link.action === 'snooze' ? { kind: 'snooze', until } : { kind: link.action },
  })
  await wakeIncident(deps, after)
  const { done, quiet } = texts[link.action]
  return say(200, done, `${incident.title}. ${quiet}`)
}
