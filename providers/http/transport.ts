/**
 * The one transport: every call to every provider goes through here. It leases, attaches the credential, bounds time and
 * size, repeats what may be repeated, learns limits, maps errors, counts and traces. It knows no provider.
 */
import { HubError, isHubError } from '../../platform/errors.ts'
import type { Call, Provider, ProviderContext, Settings } from '../contract.ts'
import { attempt, type CallScope } from './attempt.ts'
import { takeLease } from './lease.ts'
import type { TransportOptions } from './options.ts'
import { targetOf, type Target } from './origin-map.ts'
import { waitBefore } from './retry.ts'
import type { CredentialVersion, SessionOptions } from './session.ts'

export interface Transport {
  /** Binds a connection; the context's `call` throws `HubError` of the provider set, or the signal's reason. */
  open(options: SessionOptions): ProviderContext
  /** Where calls to a provider with these settings really go. @throws HubError `Protocol` for settings that lead nowhere safe. */
  locate(provider: Pick<Provider, 'baseUrl'>, settings: Settings): Target
}

export function createTransport(options: TransportOptions): Transport {
  return {
    open: (session) => ({
      settings: session.settings,
      now: () => options.clock.now(),
      call: caller(options, session),
    }),
    locate: (provider, settings) => targetOf(options.originMap, provider.baseUrl(settings), '/'),
  }
}

/** One call: attempts until there is an answer, or a failure that another attempt would not mend here and now. */
function caller(transport: TransportOptions, session: SessionOptions): Call {
  const { provider, settings, signal } = session
  return async (request) => {
    signal?.throwIfAborted()
    const target = targetOf(
      transport.originMap,
      provider.baseUrl(settings, request.base),
      request.path,
      request.query,
    )
    if (session.isSandbox && target.redirectedFrom === undefined)
      throw new HubError('NotConfigured', `This hub has no sandbox for ${provider.name}.`)
    const scope: Omit<CallScope, 'waitedMs'> = { transport, session, request, target }
    const until = transport.clock.now().getTime() + (transport.budgetMs ?? 60_000)
    let credential = await session.credential.current()
    let renewed = false
    for (let number = 1; ; number++) {
      signal?.throwIfAborted()
      const waitedMs = await takeLease(transport, session, request)
      try {
        return await attempt({ ...scope, waitedMs }, credential, number)
      } catch (error) {
        if (signal?.aborted) throw signal.reason
        if (isHubError(error, 'Unauthorized') && !renewed) {
          credential = await newer(session, credential, error)
          renewed = true
          continue
        }
        const now = transport.clock.now()
        const waitMs = waitBefore(request, error, number, now, until - now.getTime())
        if (waitMs === undefined) throw error
        await transport.clock.sleep(waitMs, signal)
      }
    }
  }
}

/** The credential that takes the place of the refused one. @throws `refusal` when there is none. */
async function newer(
  session: SessionOptions,
  refused: CredentialVersion,
  refusal: Error,
): Promise<CredentialVersion> {
  const credential = await session.credential.renew(refused.generation)
  if (!credential) throw refusal
  return credential
}
