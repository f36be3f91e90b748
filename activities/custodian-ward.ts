/** What the custodian must know of a connection. */
import type { Connection } from '../db/connections.ts'
import type { OAuth2Auth, Provider, Settings } from '../providers/contract.ts'

/** A connection whose credential is kept. */
export interface Ward {
  readonly connectionId: string
  readonly partnerId: string
  readonly accountId: string
  readonly provider: string
  readonly providerName: string
  readonly method: OAuth2Auth
  readonly settings: Settings
}

export const wardOf = (connection: Connection, provider: Provider, method: OAuth2Auth): Ward => ({
  connectionId: connection.connectionId,
  partnerId: connection.partnerId,
  accountId: connection.accountId,
  provider: provider.slug,
  providerName: provider.name,
  method,
  settings: connection.settings,
})
