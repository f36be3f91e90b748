/** The main paths of `connectAccount`, as the connect page starts them. */
import type { WorkflowHandle } from '@temporalio/client'
import { sha256 } from '../../platform/secrets/hash.ts'
import {
  beginConsent,
  beginTest,
  getConnectSession,
  insertConnectSession,
  sealForSession,
  takeCallback,
} from '../../db/connect-sessions.ts'
import { defaultTenant } from '../../db/partners.ts'
import type { JsonObject } from '../../model/json.ts'
import { newId } from '../../platform/new-id.ts'
import { authorizeUrl } from '../../providers/contract-oauth.ts'
import { goodKey, tinybooks, tinybooksApp, type OAuthProvider } from '../harness/oauth-provider.ts'
import type { TestHub } from '../harness/worker.ts'

interface Recorder {
  readonly test: TestHub
  readonly books: OAuthProvider
  keep(name: string, handle: WorkflowHandle): Promise<void>
}

export async function recordConnects({ test, books, keep }: Recorder): Promise<void> {
  await keep('connectAccount-key', await connectByKey(test, goodKey))
  await keep('connectAccount-refused', await connectByKey(test, 'key-1'))
  await keep('connectAccount-consent', await connectByConsent(test, books))
}

async function newSession({ deps }: TestHub, auth: string) {
  const { partnerId, accountId } = defaultTenant
  return await insertConnectSession(deps.database.db, {
    sessionId: newId('session'),
    partnerId,
    accountId,
    provider: tinybooks.slug,
    auth,
    isAuthFixed: true,
    connectionId: newId('connection'),
    isReconnection: false,
    sandbox: false,
    allowOtherAccount: false,
    createdBy: 'admin',
    lifetimeSeconds: 600,
  })
}

async function connectByKey(test: TestHub, key: string): Promise<WorkflowHandle> {
  const { db } = test.deps.database
  const session = await newSession(test, 'key')
  const given: JsonObject = { settings: { company: 'acme' }, secrets: { key } }
  const sealed = await sealForSession(db, test.deps.vault, session, 'sealed_given', given)
  await beginTest(db, session.sessionId, sealed)
  return await started(test, session.sessionId)
}

/** The way through the browser in short: sealed as the page would, approved over HTTP. */
async function connectByConsent(test: TestHub, books: OAuthProvider): Promise<WorkflowHandle> {
  const { vault, database } = test.deps
  const session = await newSession(test, 'oauth')
  const [method] = tinybooks.auth
  if (method.kind !== 'oauth2') throw new Error('the first way is not OAuth')
  const consent = {
    state: 'a-state',
    redirectUri: 'http://127.0.0.1:1/oauth/callback',
    codeVerifier: 'v'.repeat(43),
  }
  const codeChallenge = sha256(consent.codeVerifier).toString('base64url')
  const url = authorizeUrl(method, {}, books.originMap, { ...consent, ...tinybooksApp, codeChallenge })
  const back = new URL(await books.decide(url.href, { allow: true }))
  const stateHash = sha256(consent.state)
  const given: JsonObject = { settings: { environment: 'production' }, secrets: {}, consent }
  const seal = (column: 'sealed_given' | 'sealed_callback', value: JsonObject) =>
    sealForSession(database.db, vault, session, column, value)
  await beginConsent(database.db, session.sessionId, {
    stateHash,
    sealedGiven: await seal('sealed_given', given),
    askedScopes: method.scopes.map(({ scope }) => scope),
  })
  const callback = await seal('sealed_callback', Object.fromEntries(back.searchParams))
  await takeCallback(database.db, session.sessionId, stateHash, callback)
  return await started(test, session.sessionId)
}

async function started(test: TestHub, sessionId: string): Promise<WorkflowHandle> {
  const session = await getConnectSession(test.deps.database.db, sessionId)
  if (!session) throw new Error('the session is gone')
  const { workflowId, runId } = await test.hub.startConnectAccount(session)
  return test.temporal.client.workflow.getHandle(workflowId, runId)
}
