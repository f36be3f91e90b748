import type { Limits, Settings } from '../contract.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

/**
 * Per project (docs: rate-limits, import-events; read 2026-11-23). All calls of the Query API share one budget, also with
 * other tools; the lanes of the limiter keep a part of it free of syncing for reports. What is not documented (App API,
 * number of calls to the ingestion API) is bounded with caution.
 */
const buckets = {
  query: { limit: 60, windowMs: hour, scope: 'connection' },
  export: { limit: 60, windowMs: hour, scope: 'connection' },
  // Three a second, taken one by one: a bucket of three would give its burst and its refill within the same second.
  export_burst: { limit: 1, windowMs: 350, scope: 'connection' },
  /** 2 GB a minute: a thousand batches of 2 MB, less what other senders may need. */
  ingest: { limit: 600, windowMs: minute, scope: 'connection' },
  app: { limit: 60, windowMs: minute, scope: 'connection' },
  lexicon: { limit: 5, windowMs: minute, scope: 'connection' },
} as const satisfies Limits['buckets']

/** Endpoint group → the buckets it draws from, the one that a 429 closes last. */
const groups = {
  query: ['query'],
  export: ['export_burst', 'export'],
  ingest: ['ingest'],
  app: ['app'],
  lexicon: ['app', 'lexicon'],
} as const satisfies Limits['groups']

export type Group = keyof typeof groups

/** The hub's share of the hour's queries, where a person chose one. */
function limitFor(bucket: string, settings: Settings): number | undefined {
  const share = Number(settings['queries_per_hour'] ?? Number.NaN)
  return bucket === 'query' && Number.isInteger(share) && share > 0 && share <= 60 ? share : undefined
}

/** Mixpanel's answers carry no headers on limits (docs: rate-limits); a 429 is read in `errors.ts`. */
export const limits: Limits = { buckets, groups, limitFor }
