import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'

/**
 * Every metric of the hub, in one place, with bounded labels only (provider, group, route pattern, outcome): never an
 * id of a connection or a person.
 */
export function createMetrics() {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'tieline_' })
  const registers = [registry]
  return {
    registry,
    apiSeconds: new Histogram({
      name: 'tieline_api_request_seconds',
      help: 'Time to answer a request to the API',
      labelNames: ['method', 'route', 'status'] as const,
      buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5],
      registers,
    }),
    apiRefusals: new Counter({
      name: 'tieline_api_refused_total',
      help: 'Requests that a limit or a quota did not let in',
      labelNames: ['class', 'scope', 'limit'] as const,
      registers,
    }),
    providerSeconds: new Histogram({
      name: 'tieline_provider_call_seconds',
      help: 'Time of one call to a provider, retries counted one by one',
      labelNames: ['provider', 'group', 'outcome'] as const,
      buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30],
      registers,
    }),
    providerBytes: new Counter({
      name: 'tieline_provider_bytes_total',
      help: 'Bytes of the bodies that a provider answered',
      labelNames: ['provider', 'group'] as const,
      registers,
    }),
    leaseWaitSeconds: new Histogram({
      name: 'tieline_rate_limit_wait_seconds',
      help: 'Time a call waited for its rate-limit lease',
      labelNames: ['provider', 'priority'] as const,
      buckets: [0.01, 0.1, 0.5, 1, 5, 15, 60],
      registers,
    }),
    tokenRefreshes: new Counter({
      name: 'tieline_token_refreshes_total',
      help: 'Calls to token endpoints that renew a credential, by what became of them',
      labelNames: ['provider', 'outcome'] as const,
      registers,
    }),
    records: new Counter({
      name: 'tieline_records_total',
      help: 'Records that syncs have looked at, by what became of them',
      labelNames: ['provider', 'effect'] as const,
      registers,
    }),
    hookRequests: new Counter({
      name: 'tieline_webhook_requests_total',
      help: 'Webhooks posted to the hub, by what became of them; for refused ones the checks that failed',
      labelNames: ['provider', 'outcome', 'reason'] as const,
      registers,
    }),
    hookEvents: new Counter({
      name: 'tieline_webhook_events_total',
      help: 'Events in accepted webhooks: accepted, duplicate; and processed ones by outcome',
      labelNames: ['provider', 'outcome'] as const,
      registers,
    }),
    hookGaps: new Counter({
      name: 'tieline_webhook_events_missing_total',
      help: 'Events that a provider has counted and that never came',
      labelNames: ['provider'] as const,
      registers,
    }),
    hookBacklog: new Gauge({
      name: 'tieline_webhook_events',
      help: 'Events of webhooks that wait, are dead letters, or match no connection; of the whole hub, whichever process is asked',
      labelNames: ['provider', 'state'] as const,
      registers,
    }),
    deliveryBacklog: new Gauge({
      name: 'tieline_deliveries_waiting',
      help: 'Events on their way to endpoints; of the whole hub',
      registers,
    }),
    deliveryAttempts: new Counter({
      name: 'tieline_delivery_attempts_total',
      help: 'Attempts to send an event to an endpoint, by outcome',
      labelNames: ['outcome'] as const,
      registers,
    }),
    deliverySeconds: new Histogram({
      name: 'tieline_delivery_seconds',
      help: 'Time from the beginning of an attempt to the end of the answer',
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20],
      registers,
    }),
    commissionSources: new Counter({
      name: 'tieline_commission_sources_total',
      help: 'Events that may earn commission or take it back, by kind and what became of them',
      labelNames: ['kind', 'outcome'] as const,
      registers,
    }),
    ledgerViolations: new Gauge({
      name: 'tieline_ledger_violations',
      help: 'What the last check of the commission ledger found that must not be; 0 when the books are in order',
      registers,
    }),
    runs: new Counter({
      name: 'tieline_runs_total',
      help: 'Runs that ended, by outcome',
      labelNames: ['provider', 'outcome'] as const,
      registers,
    }),
    runsOpen: new Gauge({
      name: 'tieline_run_slices_open',
      help: 'Slices of runs that this worker is working on',
      registers,
    }),
  }
}

export type Metrics = ReturnType<typeof createMetrics>
