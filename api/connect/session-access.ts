/** Which session a browser may see: only its own, known by the cookie it was given when it opened the link. */
import { getConnectSession, openSealed, type ConnectSession } from '../../db/connect-sessions.ts'
import { getConnection } from '../../db/connections.ts'
import { isId } from '../../model/ids.ts'
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import { authMethod, type AuthMethod } from '../../providers/contract.ts'
import type { ApiDeps } from '../deps.ts'
import { usableMethods } from '../resources/connect-sessions.ts'
import { fieldsOf } from '../resources/setup-values.ts'
import { cookieName, formTokenOf, isFormToken, isSameBrowser } from './browser.ts'
import { nothingGiven, type Given } from './fields.ts'
import type { PageAnswer, PageCall } from './page-route.ts'
import { strangerPage, type View } from './pages.ts'

type Call = Pick<PageCall, 'dress'>

export async function strangerAnswer(call: Call): Promise<PageAnswer> {
  const dress = await call.dress()
  const { t } = dress.texts
  return { status: 403, page: strangerPage(dress, t('stranger.title'), t('stranger.text')) }
}

export async function linkAnswer(call: Call, why: 'expired' | 'invalid'): Promise<PageAnswer> {
  const dress = await call.dress()
  const { t } = dress.texts
  return why === 'expired'
    ? { status: 410, page: strangerPage(dress, t('expired.title'), t('link.expired')) }
    : { status: 404, page: strangerPage(dress, t('link.invalidTitle'), t('link.invalid')) }
}

/** The session of this browser with what its pages need; undefined for anybody else. */
export async function viewOf(call: PageCall, sessionId: string): Promise<View | undefined> {
  if (!isId('session', sessionId)) return undefined
  const session = await getConnectSession(call.deps.database.db, sessionId)
  return session && (await viewFor(call, session))
}

export async function viewFor(call: PageCall, session: ConnectSession): Promise<View | undefined> {
  const { deps } = call
  const secret = call.cookie(cookieName(deps.config.publicUrl, session.sessionId))
  if (!isSameBrowser(session.browserHash, secret)) return undefined
  const provider = deps.findProvider(session.provider)
  if (!provider)
    throw new HubError('NotConfigured', `This service does not know "${session.provider}" any more.`)
  return {
    session,
    provider,
    methods: usableMethods(deps, provider),
    formToken: formTokenOf(secret, session.sessionId),
    dress: await call.dress(session.partnerId),
  }
}

/** The same for a posted form, which must come from one of our pages. @throws HubError `NotPermitted` otherwise. */
export async function postedTo(
  call: PageCall,
): Promise<{ readonly view: View; readonly form: URLSearchParams } | undefined> {
  const view = await viewOf(call, call.subject)
  if (!view) return undefined
  const form = await call.form()
  const { sessionId } = view.session
  const secret = call.cookie(cookieName(call.deps.config.publicUrl, sessionId)) ?? ''
  if (!call.isOwnRequest || !isFormToken(form.get('formToken'), secret, sessionId))
    throw new HubError('NotPermitted', 'This form did not come from our page. Open the page again.')
  return { view, form }
}

/** The method of a session, once it is chosen. */
export const chosenMethod = ({ session, provider }: View): AuthMethod | undefined =>
  session.auth === null ? undefined : authMethod(provider, session.auth)

/** What was entered so far; at first the settings of the connection that is connected again. */
export async function givenSoFar(deps: ApiDeps, session: ConnectSession, method: AuthMethod): Promise<Given> {
  const { db } = deps.database
  const sealed = await openSealed(db, deps.vault, session, 'sealed_given')
  if (sealed) return { settings: texts(sealed['settings']), secrets: texts(sealed['secrets']) }
  if (!session.isReconnection) return nothingGiven
  const connection = await getConnection(db, session.connectionId)
  const names = fieldsOf(method).map(({ name }) => name)
  const known = Object.entries(connection?.settings ?? {}).filter(([name]) => names.includes(name))
  return { settings: Object.fromEntries(known), secrets: {} }
}

const texts = (value: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(isJsonObject(value) ? value : {}).flatMap(([name, one]) =>
      typeof one === 'string' ? [[name, one]] : [],
    ),
  )

/** What is sealed of a form; with what the token endpoint will want to see where a consent follows. */
export const toSeal = (given: Given, consent?: JsonObject): JsonObject => ({
  settings: { ...given.settings },
  secrets: { ...given.secrets },
  ...(consent ? { consent } : {}),
})
