/** How a commission line is shown, wherever it is. */
import type { SourcedLine } from '../../db/commission-lines.ts'
import type { CommissionSource } from '../../db/commission-sources.ts'
import type { components } from '../../openapi/types.ts'

type Schemas = components['schemas']

export function showLine(line: SourcedLine): Schemas['CommissionLine'] {
  const { currency, source, occurredAt } = line
  return {
    lineId: line.lineId,
    partnerId: line.partnerId,
    accountId: line.accountId,
    level: line.level,
    kind: line.kind,
    originalLineId: line.originalLineId,
    amount: { amountMinor: line.amountMinor, currency },
    gross: { amountMinor: line.grossMinor, currency },
    share: { weight: line.weight, of: line.weights },
    state: line.state,
    heldUntil: line.heldUntil.toISOString(),
    dueAt: line.dueAt?.toISOString() ?? null,
    statementId: line.statementId,
    period: line.period,
    occurredAt: occurredAt.toISOString(),
    createdAt: line.createdAt.toISOString(),
    source: source && showSource({ ...source, occurredAt }),
  }
}

export const showSource = (
  source: Pick<
    CommissionSource,
    | 'sourceId'
    | 'kind'
    | 'connectionId'
    | 'resource'
    | 'externalId'
    | 'recordVersion'
    | 'occurredAt'
    | 'facts'
  >,
): Schemas['SourceSummary'] => ({
  sourceId: source.sourceId,
  kind: source.kind,
  connectionId: source.connectionId,
  resource: source.resource,
  externalId: source.externalId,
  recordVersion: source.recordVersion,
  occurredAt: source.occurredAt.toISOString(),
  facts: { ...source.facts },
})
