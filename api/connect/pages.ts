/** The pages of the connect flow. Each is a function of what is known; nothing here reads or writes. */
import type { ConnectSession } from '../../db/connect-sessions.ts'
import { failures, isFailureCode } from '../../model/failures.ts'
import type { AuthMethod, Provider } from '../../providers/contract.ts'
import { layout } from './layout.ts'
import { markup, type Html, type HtmlValue } from './markup.ts'
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
export interface View {
  readonly session: ConnectSession
  readonly provider: Provider
  /** Ways to connect that this hub can offer. */
  readonly methods: readonly AuthMethod[]
  readonly formToken: string
}

const action = ({ session }: View, step: string): string => `/connect/s/${session.sessionId}/${step}`
const formToken = (view: View): Html =>
  markup`<input type="hidden" name="formToken" value="${view.formToken}">`
const hasChoice = ({ session, methods }: View): boolean => !session.isAuthFixed && methods.length > 1

const frame = (view: View, title: string, body: HtmlValue, refreshSeconds?: number): string =>
  layout({
    title,
    partnerName: view.session.partnerName,
    ...(refreshSeconds === undefined ? {} : { refreshSeconds }),
    body: markup`${body}`,
  })

const heading = (view: View, stage: Stage, title: string): Html =>
  markup`${progress(stage, hasChoice(view))}
<h1>${title}</h1>`

const verb = ({ session }: View): string => (session.isReconnection ? 'Reconnect' : 'Connect')

export function choosePage(view: View): string {
  const { provider, methods, session } = view
  const title = `${verb(view)} ${provider.name}`
  const choices = methods.map(
    (method, index) => markup`<button class="choice" name="auth" value="${method.name}"><b>${method.title}</b>
<span class="quiet">${wayText(method, provider)}${index === 0 && ' Recommended.'}</span></button>
`,
  )
  return frame(
    view,
    title,
    markup`${heading(view, 'Choose', title)}
<p class="lead">${session.partnerName} would like to work with your ${provider.name} account. Choose how to connect it.</p>
<form method="post" action="${action(view, 'method')}">
${formToken(view)}<div class="choices">
${choices}</div>
</form>
${footer(view, 'Cancel')}`,
  )
}

const wayText = (method: AuthMethod, { name }: Provider): string =>
  method.kind === 'oauth2'
    ? `You approve the access at ${name}; no password or key is handed over.`
    : `You make a key at ${name} and enter it here.`

export interface SetupView extends View {
  readonly method: AuthMethod
  readonly filled: Filled
}

/** The form of a way to connect: its steps and fields, and for OAuth what access is asked for. */
export function setupPage(view: SetupView): string {
  const { method, provider, session, filled } = view
  const title = `${verb(view)} ${provider.name}`
  const isConsent = method.kind === 'oauth2'
  return frame(
    view,
    filled.errors.size > 0 || session.state === 'failed' ? `Problem: ${title}` : title,
    markup`${heading(view, 'Set up', title)}
${problemOf(view)}<p class="lead">${leadText(view)}</p>
<form method="post" action="${action(view, 'setup')}" data-check>
${formToken(view)}${setupSteps(method.setup, filled)}${isConsent && consentStep(view)}<div class="actions">
<button class="button">${isConsent ? `Continue to ${provider.name}` : `Test and ${verb(view).toLowerCase()}`}</button>
</div>
</form>
${footer(view, 'Cancel', method)}`,
  )
}

function leadText({ method, provider, session }: SetupView): string {
  if (session.isReconnection)
    return `${session.partnerName} needs a new access to your ${provider.name} account. Connect the same account again: nothing that has been synced is lost.`
  return method.kind === 'oauth2'
    ? `${session.partnerName} would like to work with your ${provider.name} account. You will approve this at ${provider.name} and come back here.`
    : `${session.partnerName} would like to work with your ${provider.name} account. What you enter is kept encrypted and used for nothing else.`
}

function consentStep({ method, provider }: SetupView): Html | undefined {
  if (method.kind !== 'oauth2' || method.scopes.length === 0) return undefined
  return markup`<section class="step">
<h2>What ${provider.name} will ask you to allow</h2>
${method.scopes.some(({ required }) => !required) && markup`<p>Without what is optional, only that feature stays off.</p>\n`}${scopeList(method)}
</section>
`
}

/** What went wrong the last time, or that something was left half-way. */
function problemOf(view: SetupView): HtmlValue {
  const { session, method, filled, provider } = view
  const wrong = errorSummary(method, filled.errors)
  if (wrong) return [wrong, '\n']
  if (session.state === 'failed' && session.failure)
    return [
      notice(
        'bad',
        'This did not work',
        markup`<p>${session.failure.message}</p>
${mayRepeat(session, method) && repeatForm(view)}<p class="quiet">${nextStep(session.failure.code, method, provider)}</p>`,
      ),
      '\n',
    ]
  if (session.state === 'waiting_for_consent')
    return [
      notice(
        'note',
        `Waiting for your approval at ${provider.name}`,
        markup`<p>If you came back without finishing there, continue from here once more.</p>`,
      ),
      '\n',
    ]
  return undefined
}

function nextStep(code: string, method: AuthMethod, { name }: Provider): string {
  if (isFailureCode(code) && failures[code].who === 'admin')
    return 'This has to be mended by whoever sent you the link.'
  return method.kind === 'oauth2'
    ? `You can try again below. ${name} will ask you once more.`
    : 'Check what you entered below and try again.'
}

/** An outage is nobody's mistake here: the same may be tested again without entering or approving anything. */
export function mayRepeat(session: ConnectSession, method: AuthMethod): boolean {
  const code = session.failure?.code
  const passes = isFailureCode(code) && failures[code].retry !== 'no'
  return session.state === 'failed' && passes && (method.kind === 'token' || session.hasTokens)
}

const repeatForm = (view: View): Html =>
  markup`<form method="post" action="${action(view, 'again')}">${formToken(view)}<p><button class="button second">Test again</button></p></form>
`

function footer(view: View, text: string, method?: AuthMethod): Html | undefined {
  const back = wayBack(view.session.returnUrl, (host) => `${text} and go back to ${host}`)
  const other =
    method && hasChoice(view)
      ? markup`<form method="post" action="${action(view, 'method')}">${formToken(view)}<button class="plain" name="auth" value="">Choose another way to connect</button></form>`
      : undefined
  return back || other ? markup`<div class="actions">${other}${back}</div>` : undefined
}

/** Read again by the browser every two seconds, without a script. */
export function testingPage(view: View, isSlow: boolean): string {
  const { provider } = view
  const title = `Testing the connection with ${provider.name}`
  return frame(
    view,
    title,
    markup`${heading(view, 'Test', title)}
<p role="status">This takes a few seconds. The page moves on by itself.</p>
<span class="pulse" aria-hidden="true"></span>
${isSlow && markup`<p class="quiet">It takes longer than usual: ${provider.name} or the hub is slow to answer. You may leave this page open, or close it: the test goes on.</p>`}`,
    2,
  )
}

export function donePage(view: View): string {
  const { provider, session } = view
  const { finding, identity } = session
  const title = `${provider.name} is connected`
  const back = wayBack(session.returnUrl, (host) => `Continue to ${host}`, true)
  const label = identity?.label
  return frame(
    view,
    title,
    markup`${heading(view, 'Done', title)}
${notice('good', 'The test went through', markup`<p>${sentence(finding?.proves ?? 'The provider accepted the credential')}</p>`)}
${label !== null && label !== undefined && markup`<dl class="facts"><dt>Account</dt><dd>${label}</dd></dl>\n`}${withoutNotice(finding?.without ?? [])}<p>${session.partnerName} keeps your data in step from now on, until you end it there or remove the access at ${provider.name}.</p>
${session.returnUrl === null ? markup`<p class="quiet">You can close this page.</p>` : markup`<div class="actions">${back}</div>`}`,
  )
}

/** A finding begins in lower case and ends without a full stop, as the rest of a sentence; here it is one. */
function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?]["”']?$/.test(begun) ? begun : `${begun}.`
}

function withoutNotice(without: readonly string[]): HtmlValue {
  if (without.length === 0) return undefined
  const items = without.map((feature) => markup`<li>${feature}</li>`)
  return [
    notice(
      'note',
      'Not everything was allowed',
      markup`<p>These features stay off until the account is connected again with their access:</p><ul>${items}</ul>`,
    ),
    '\n',
  ]
}

export function expiredPage(view: View): string {
  const { provider, session } = view
  const title = 'This link has expired'
  return frame(
    view,
    title,
    markup`<h1>${title}</h1>
<p>Links to connect an account live for half an hour. Ask ${session.partnerName} for a new link to connect ${provider.name}. Nothing that you entered is kept.</p>
${footer(view, 'Leave')}`,
  )
}

/** For whoever is not, or not any more, the person that a session is for: says nothing of any session. */
export const strangerPage = (title: string, text: string): string =>
  layout({ title, partnerName: undefined, body: markup`<h1>${title}</h1>\n<p>${text}</p>` })
