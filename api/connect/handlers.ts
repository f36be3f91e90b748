/** The steps of a connect session in the browser: the link, the choice, the form, the test, the end. */
import { asTenant } from '../../db/client.ts'
import {
  beginTest,
  bindBrowser,
  chooseAuth,
  getConnectSession,
  keepGiven,
  repeatTest,
  sealForSession,
  type ConnectSession,
} from '../../db/connect-sessions.ts'
import type { AuthMethod } from '../../providers/contract.ts'
import type { ApiDeps } from '../deps.ts'
import { browserHashOf, cookieOf, newBrowserSecret } from './browser.ts'
import { consentTargets, sendToProvider } from './consent.ts'
import { readFields } from './fields.ts'
import type { PageAnswer, PageCall, PageHandler } from './page-route.ts'
import { choosePage, donePage, expiredPage, setupPage, testingPage, type View } from './pages.ts'
import type { Filled } from './parts.ts'
import { start } from './start.ts'
import {
  chosenMethod,
  givenSoFar,
  linkAnswer,
  postedTo,
  strangerAnswer,
  toSeal,
  viewFor,
  viewOf,
} from './session-access.ts'

const pageOf = (sessionId: string): string => `/connect/s/${sessionId}`
const toPage = ({ session }: View): PageAnswer => ({ redirect: pageOf(session.sessionId) })

/** How long the cookie lives: the page may be looked at for a while after the end. */
const cookieSeconds = 3600

/** The link. The first browser that opens it gets the session; for every other it is dead. */
export const openLink: PageHandler = async (call) => {
  const { deps } = call
  const read = await deps.links.read(call.subject)
  if (typeof read === 'string') return await linkAnswer(call, read)
  const { sessionId } = read
  const session = await getConnectSession(deps.database.db, sessionId)
  if (!session) return await linkAnswer(call, 'invalid')
  if (await viewFor(call, session)) return { redirect: pageOf(sessionId) }
  if (session.state === 'expired') return await linkAnswer(call, 'expired')
  if (session.browserHash !== null) return await strangerAnswer(call)
  if (call.isPreview) return { status: 200, page: previewPage }
  const secret = newBrowserSecret()
  const isFirst = await asTenant(deps.database.db, session.partnerId, (tx) =>
    bindBrowser(tx, sessionId, browserHashOf(secret)),
  )
  if (!isFirst) return await strangerAnswer(call)
  return {
    redirect: pageOf(sessionId),
    setCookie: cookieOf(deps.config.publicUrl, sessionId, secret, cookieSeconds),
  }
}

const previewPage = '<!doctype html><meta name="robots" content="noindex"><title>Connect an account</title>'

/** Where the session is. */
export const showSession: PageHandler = async (call) => {
  const view = await viewOf(call, call.subject)
  if (!view) return await strangerAnswer(call)
  const { session } = view
  if (session.state === 'done') return { status: 200, page: donePage(view) }
  if (session.state === 'expired') return { status: 410, page: expiredPage(view) }
  if (session.state === 'testing') return await showTest(call.deps, view)
  const method = chosenMethod(view)
  if (!method) return { status: 200, page: choosePage(view) }
  const given = await givenSoFar(call.deps, session, method)
  return formAnswer(call, view, method, { given, errors: new Map() }, 200)
}

function formAnswer(
  { deps }: PageCall,
  view: View,
  method: AuthMethod,
  filled: Filled,
  status: number,
): PageAnswer {
  const page = setupPage({ ...view, method, filled })
  return { status, page, formTargets: consentTargets(deps, method, filled.given.settings) }
}

/** A test whose start was lost (Temporal was down, the API died) is started by whoever looks at it. */
async function showTest(deps: ApiDeps, view: View): Promise<PageAnswer> {
  const sinceMs = Date.now() - view.session.updatedAt.getTime()
  if (sinceMs > 5_000) await start(deps, view.session)
  return { status: 200, page: testingPage(view, sinceMs > 15_000) }
}

export const chooseMethod: PageHandler = async (call) => {
  const posted = await postedTo(call)
  if (!posted) return await strangerAnswer(call)
  const { view, form } = posted
  const { session, methods } = view
  const name = form.get('auth') ?? ''
  const method = methods.find((one) => one.name === name)
  await asTenant(call.deps.database.db, session.partnerId, (tx) =>
    chooseAuth(tx, session.sessionId, method?.name ?? null),
  )
  return toPage(view)
}

/** The form: for a token its test, for OAuth the way to the provider's consent. */
export const submitSetup: PageHandler = async (call) => {
  const posted = await postedTo(call)
  if (!posted) return await strangerAnswer(call)
  const { view, form } = posted
  const { session } = view
  const { db } = call.deps.database
  const method = chosenMethod(view)
  if (!method || !isOpen(session)) return toPage(view)
  const before = await givenSoFar(call.deps, session, method)
  const { given, errors } = readFields(method, form, before)
  if (method.kind === 'oauth2' && errors.size === 0) return await sendToProvider(call, view, method, given)
  const isBegun = await asTenant(db, session.partnerId, async (tx) => {
    const sealed = await sealForSession(tx, call.deps.vault, session, 'sealed_given', toSeal(given))
    return await (errors.size > 0 ? keepGiven : beginTest)(tx, session.sessionId, sealed)
  })
  if (errors.size > 0) return formAnswer(call, view, method, { given, errors }, 422)
  if (isBegun) await start(call.deps, session)
  return toPage(view)
}

const isOpen = ({ state }: ConnectSession): boolean =>
  state === 'open' || state === 'waiting_for_consent' || state === 'failed'

/** The same test once more, after an outage. */
export const testAgain: PageHandler = async (call) => {
  const posted = await postedTo(call)
  if (!posted) return await strangerAnswer(call)
  const { session } = posted.view
  const isBegun = await asTenant(call.deps.database.db, session.partnerId, (tx) =>
    repeatTest(tx, session.sessionId),
  )
  if (isBegun) await start(call.deps, session)
  return toPage(posted.view)
}
