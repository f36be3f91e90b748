/** Connections to the sandbox: what test keys make and see. They call only what the origin map has put in a provider's place. */
import { HubError } from '../../platform/errors.ts'
import type { Provider } from '../../providers/contract.ts'
import { isRedirected } from '../../providers/contract-sandbox.ts'
import type { Caller } from '../caller.ts'
import type { ApiDeps } from '../deps.ts'
import { invalidInput } from '../problem.ts'

/**
 * Whether a new connection is one to the sandbox.
 * @param provider undefined for one that the hub only receives webhooks of: it is called by nobody.
 * @throws HubError `NotConfigured` (409) when the hub has no sandbox for the provider.
 */
export function isForSandbox(
  { config }: Pick<ApiDeps, 'config'>,
  { mode }: Pick<Caller, 'mode'>,
  provider: Provider | undefined,
  asked: boolean | undefined,
  settings: Readonly<Record<string, string>> | undefined,
): boolean {
  if (mode === 'test' && asked === false)
    throw invalidInput([
      { in: 'body', pointer: '/sandbox', detail: 'cannot be false: a test key reaches only the sandbox' },
    ])
  const isMeant = mode === 'test' || asked === true
  if (!isMeant || !provider || isRedirected(provider, config.originMap, settings)) return isMeant
  const instead = mode === 'test' ? 'Use a live key, or run' : 'Run'
  throw new HubError(
    'NotConfigured',
    `This hub has no sandbox for ${provider.name}. ${instead} the hub with its sandbox (TIELINE_ORIGIN_MAP).`,
  )
}
