/** The typed search attributes by which admins find runs (design §6). Ids, slugs and outcomes only: they are not encrypted. */
import { SearchAttributeType, defineSearchAttributeKey, type SearchAttributePair } from '@temporalio/common'

const keyword = (name: string) => defineSearchAttributeKey(name, SearchAttributeType.KEYWORD)

const keys = {
  provider: keyword('TielineProvider'),
  connectionId: keyword('TielineConnection'),
  accountId: keyword('TielineAccount'),
  partnerId: keyword('TielinePartner'),
  outcome: keyword('TielineOutcome'),
} as const

/** Pairs of key and value for what is given, for a start or an upsert. */
export function searchAttributes(facts: {
  readonly [K in keyof typeof keys]?: string | undefined
}): SearchAttributePair[] {
  return (Object.keys(keys) as (keyof typeof keys)[]).flatMap((name) => {
    const value = facts[name]
    return value === undefined ? [] : [{ key: keys[name], value }]
  })
}
