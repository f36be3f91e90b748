/** The pages of the connect flow. Each is a function of what is known; nothing here reads or writes. */
import type { ConnectSession } from '../../db/connect-sessions.ts'
import type { TextKey } from '../../model/brand-texts.ts'
import { failures, isFailureCode } from '../../model/failures.ts'
import type { AuthMethod, Provider } from '../../providers/contract.ts'
import { layout, type Dress } from './layout.ts'
import { markup, type Html, type HtmlValue } from '../../model/markup.ts'
import {
  errorSummary,
  notice,
  progress,
  scopeList,
  setupSteps,
  wayBack,
  type Filled,
  type Stage,
} from './parts.ts'

/** What every page of a session knows. */
export interface View extends PageView {
  readonly session: ConnectSession
  readonly provider: Provider
}

/** What the pages show of a session; a preview makes one up. */
export interface PageView {
  readonly session: Pick<
    ConnectSession,
    | 'sessionId'
    | 'partnerName'
    | 'isReconnection'
    | 'isAuthFixed'
    | 'state'
    | 'failure'
    | 'returnUrl'
    | 'identity'
    | 'finding'
    | 'hasTokens'
  >
  readonly provider: Pick<Provider, 'name'>
  /** Ways to connect that this hub can offer. */
  readonly methods: readonly AuthMethod[]
  readonly formToken: string
  readonly dress: Dress
}

const action = ({ session }: PageView, step: string): string => `/connect/s/${session.sessionId}/${step}`
const formToken = (view: PageView): Html =>
  markup`<input type="hidden" name="formToken" value="${view.formToken}">`
const hasChoice = ({ session, methods }: PageView): boolean => !session.isAuthFixed && methods.length > 1

const frame = (view: PageView, title: string, body: HtmlValue, refreshSeconds?: number): string =>
  layout({
    title,
    dress: view.dress,
    isNamed: true,
    ...(refreshSeconds === undefined ? {} : { refreshSeconds }),
    body: markup`${body}`,
  })

/** A text of the page with the names that it may use. */
const say = (
  { dress, session, provider }: PageView,
  key: TextKey,
  more: Readonly<Record<string, string>> = {},
): string =>
  dress.texts.t(key, { provider: provider.name, partner: dress.look?.name ?? session.partnerName, ...more })

const heading = (view: PageView, stage: Stage, title: string): Html =>
  markup`${progress(stage, hasChoice(view), view.dress.texts)}
<h1>${title}</h1>`

const titleOf = (view: PageView): string =>
  say(view, view.session.isReconnection ? 'title.reconnect' : 'title.connect')

export function choosePage(view: PageView): string {
  const { methods } = view
  const title = titleOf(view)
  const choices = methods.map(
    (method, index) => markup`<button class="choice" name="auth" value="${method.name}"><b>${method.title}</b>
<span class="quiet">${say(view, method.kind === 'oauth2' ? 'choose.oauth' : 'choose.token')}${index === 0 && ` ${say(view, 'choose.recommended')}`}</span></button>
`,
  )
  return frame(
    view,
    title,
    markup`${heading(view, 'choose', title)}
<p class="lead">${say(view, 'choose.lead')}</p>
<form method="post" action="${action(view, 'method')}">
${formToken(view)}<div class="choices">
${choices}</div>
</form>
${footer(view, 'back.cancel')}`,
  )
}

export interface SetupView extends PageView {
  readonly method: AuthMethod
  readonly filled: Filled
}

/** The form of a way to connect: its steps and fields, and for OAuth what access is asked for. */
export function setupPage(view: SetupView): string {
  const { method, session, filled } = view
  const title = titleOf(view)
  const isConsent = method.kind === 'oauth2'
  return frame(
    view,
    filled.errors.size > 0 || session.state === 'failed' ? say(view, 'title.problem', { title }) : title,
    markup`${heading(view, 'setup', title)}
${problemOf(view)}<p class="lead">${leadText(view)}</p>
<form method="post" action="${action(view, 'setup')}" data-check>
${formToken(view)}${setupSteps(method.setup, filled, view.dress.texts)}${isConsent && consentStep(view)}<div class="actions">
<button class="button">${say(view, isConsent ? 'setup.continue' : session.isReconnection ? 'setup.reconnectButton' : 'setup.connect')}</button>
</div>
</form>
${footer(view, 'back.cancel', method)}`,
  )
}

function leadText(view: SetupView): string {
  if (view.session.isReconnection) return say(view, 'setup.reconnect')
  return say(view, view.method.kind === 'oauth2' ? 'setup.oauth' : 'setup.token')
}

function consentStep(view: SetupView): Html | undefined {
  const { method } = view
  if (method.kind !== 'oauth2' || method.scopes.length === 0) return undefined
  return markup`<section class="step">
<h2>${say(view, 'setup.allow')}</h2>
${method.scopes.some(({ required }) => !required) && markup`<p>${say(view, 'setup.allowOptional')}</p>\n`}${scopeList(method, view.dress.texts)}
</section>
`
}

/** What went wrong the last time, or that something was left half-way. */
function problemOf(view: SetupView): HtmlValue {
  const { session, method, filled } = view
  const wrong = errorSummary(method, filled.errors, say(view, 'problem.fields'))
  if (wrong) return [wrong, '\n']
  if (session.state === 'failed' && session.failure)
    return [
      notice(
        'bad',
        say(view, 'problem.failed'),
        markup`<p>${session.failure.message}</p>
${mayRepeat(session, method) && repeatForm(view)}<p class="quiet">${nextStep(view, session.failure.code)}</p>`,
      ),
      '\n',
    ]
  if (session.state === 'waiting_for_consent')
    return [notice('note', say(view, 'waiting.title'), markup`<p>${say(view, 'waiting.text')}</p>`), '\n']
  return undefined
}

function nextStep(view: SetupView, code: string): string {
  if (isFailureCode(code) && failures[code].who === 'admin') return say(view, 'problem.admin')
  return say(view, view.method.kind === 'oauth2' ? 'problem.oauth' : 'problem.token')
}

/** An outage is nobody's mistake here: the same may be tested again without entering or approving anything. */
export function mayRepeat(session: PageView['session'], method: AuthMethod): boolean {
  const code = session.failure?.code
  const passes = isFailureCode(code) && failures[code].retry !== 'no'
  return session.state === 'failed' && passes && (method.kind === 'token' || session.hasTokens)
}

const repeatForm = (view: PageView): Html =>
  markup`<form method="post" action="${action(view, 'again')}">${formToken(view)}<p><button class="button second">${say(view, 'problem.again')}</button></p></form>
`

function footer(view: PageView, key: TextKey, method?: AuthMethod): Html | undefined {
  const back = wayBack(view.session.returnUrl, (host) => say(view, key, { host }))
  const other =
    method && hasChoice(view)
      ? markup`<form method="post" action="${action(view, 'method')}">${formToken(view)}<button class="plain" name="auth" value="">${say(view, 'choose.other')}</button></form>`
      : undefined
  return back || other ? markup`<div class="actions">${other}${back}</div>` : undefined
}

/** Read again by the browser every two seconds, without a script. */
export function testingPage(view: PageView, isSlow: boolean): string {
  const title = say(view, 'test.title')
  return frame(
    view,
    title,
    markup`${heading(view, 'test', title)}
<p role="status">${say(view, 'test.text')}</p>
<span class="pulse" aria-hidden="true"></span>
${isSlow && markup`<p class="quiet">${say(view, 'test.slow')}</p>`}`,
    2,
  )
}

export function donePage(view: PageView): string {
  const { session } = view
  const { finding, identity } = session
  const title = say(view, 'done.title')
  const back = wayBack(session.returnUrl, (host) => say(view, 'back.continue', { host }), true)
  const label = identity?.label
  return frame(
    view,
    title,
    markup`${heading(view, 'done', title)}
${notice('good', say(view, 'done.proof'), markup`<p>${sentence(finding?.proves ?? 'The provider accepted the credential')}</p>`)}
${label !== null && label !== undefined && markup`<dl class="facts"><dt>${say(view, 'done.account')}</dt><dd>${label}</dd></dl>\n`}${withoutNotice(view, finding?.without ?? [])}<p>${say(view, 'done.text')}</p>
${session.returnUrl === null ? markup`<p class="quiet">${say(view, 'done.close')}</p>` : markup`<div class="actions">${back}</div>`}`,
  )
}

/** A finding begins in lower case and ends without a full stop, as the rest of a sentence; here it is one. */
function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?]["”']?$/.test(begun) ? begun : `${begun}.`
}

function withoutNotice(view: PageView, without: readonly string[]): HtmlValue {
  if (without.length === 0) return undefined
  const items = without.map((feature) => markup`<li>${feature}</li>`)
  return [
    notice(
      'note',
      say(view, 'done.without'),
      markup`<p>${say(view, 'done.withoutText')}</p><ul>${items}</ul>`,
    ),
    '\n',
  ]
}

export function expiredPage(view: PageView): string {
  const title = say(view, 'expired.title')
  return frame(
    view,
    title,
    markup`<h1>${title}</h1>
<p>${say(view, 'expired.text')}</p>
${footer(view, 'back.leave')}`,
  )
}

/** For whoever is not, or not any more, the person that a session is for: says nothing of any session, and names whom the host names. */
export const strangerPage = (dress: Dress, title: string, text: string): string =>
  layout({
    title,
    dress,
    isNamed: dress.look?.content.name !== undefined,
    body: markup`<h1>${title}</h1>
<p>${text}</p>`,
  })
