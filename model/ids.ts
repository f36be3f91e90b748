/**
 * Ids are prefixed text so that a log line explains itself: `con_01KAT…`. The body is time-ordered
 * (48-bit milliseconds, then 80 random bits, Crockford base 32), so that `order by id` is creation order.
 * They are made by `platform/new-id.ts`; this file only knows their shape.
 */
export const idPrefixes = {
  partner: 'par',
  account: 'acc',
  connection: 'con',
  run: 'run',
  operation: 'op',
  remap: 'rmp',
  write: 'wrt',
  writeSet: 'wrs',
  automation: 'aut',
  automationRun: 'aur',
  session: 'ses',
  request: 'req',
  hookRequest: 'hrq',
  inboxEvent: 'evt',
  hookRule: 'hru',
  endpoint: 'end',
  delivery: 'dlv',
  apiKey: 'key',
  incident: 'inc',
  verification: 'ver',
  person: 'per',
  membership: 'mem',
  personSession: 'sgn',
  invitation: 'inv',
  diagnosis: 'dgn',
  brandAsset: 'ast',
  brandDomain: 'dom',
  commissionPlan: 'cpl',
  attribution: 'atr',
  commissionSource: 'csr',
  commissionLine: 'cln',
  ledgerTransaction: 'ltx',
  statement: 'stm',
  payout: 'pay',
  rotation: 'rot',
  /** One of several values of a secret. */
  secretValue: 'sev',
  alertChannel: 'chn',
  alertPolicy: 'apo',
  escalation: 'esc',
  maintenance: 'mnt',
  alertDelivery: 'ald',
  review: 'rev',
} as const

export type IdKind = keyof typeof idPrefixes

/** The pattern an id of this kind has, for validators that stand at an edge. */
export const idPattern = (kind: IdKind): string => `^${idPrefixes[kind]}_[0-9A-HJKMNP-TV-Z]{26}$`

const compiled = new Map<IdKind, RegExp>()

/** True when `text` is a well-formed id of the given kind. */
export function isId(kind: IdKind, text: unknown): text is string {
  let pattern = compiled.get(kind)
  if (!pattern) {
    pattern = new RegExp(idPattern(kind))
    compiled.set(kind, pattern)
  }
  return typeof text === 'string' && pattern.test(text)
}
