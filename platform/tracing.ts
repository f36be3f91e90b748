/**
 * Traces from the HTTP request through workflow and activity to the call of a provider, as OpenTelemetry, where a collector is configured.
 * Off, nothing of OpenTelemetry's is loaded beyond its small API, and `traced` calls the work and does nothing else.
 */
import { context, propagation, SpanKind, SpanStatusCode, trace, type Span } from '@opentelemetry/api'
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { WorkflowClientInterceptor } from '@temporalio/client'
import type { ActivityInterceptorsFactory, InjectedSinks } from '@temporalio/worker'
import type { OpenTelemetrySinks } from '@temporalio/interceptors-opentelemetry'

export interface Tracing {
  /** For clients of Temporal. */
  readonly client: readonly WorkflowClientInterceptor[]
  /** For workers. */
  readonly activity: readonly ActivityInterceptorsFactory[]
  readonly sinks: InjectedSinks<OpenTelemetrySinks>
  /** Sends what is left. */
  close(): Promise<void>
}

/** For workers that send no traces: what workflows hand over ends here. */
export const untracedSinks: InjectedSinks<OpenTelemetrySinks> = {
  exporter: { export: { fn: () => undefined, callDuringReplay: false } },
}

/** What may stand in a span: routes and names, ids of runs; nothing of people, no values, no texts of failures. */
const allowed = new Set([
  'http.request.method',
  'http.response.status_code',
  'http.route',
  'run_id',
  'temporalActivityId',
  'temporalWorkflowId',
  'tieline.attempt',
  'tieline.group',
  'tieline.outcome',
  'tieline.provider',
])

let isOn = false

/**
 * Starts to trace in this process. @param endpoint base URL of an OTLP/HTTP collector. Headers, sampling and the like come from OpenTelemetry's own
 * variables.
 */
export async function startTracing(service: string, endpoint: string): Promise<Tracing> {
  const [sdk, { Resource }, { OTLPTraceExporter }, { AsyncLocalStorageContextManager }, core, temporal] =
    await Promise.all([
      import('@opentelemetry/sdk-trace-base'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/context-async-hooks'),
      import('@opentelemetry/core'),
      import('@temporalio/interceptors-opentelemetry'),
    ])
  const resource = new Resource({ 'service.name': service, 'service.namespace': 'tieline' })
  const exporter = new OTLPTraceExporter({ url: `${endpoint}/v1/traces` })
  const processor = scrubbing(new sdk.BatchSpanProcessor(exporter))
  const provider = new sdk.BasicTracerProvider({ resource, spanProcessors: [processor] })
  provider.register({
    contextManager: new AsyncLocalStorageContextManager().enable(),
    propagator: new core.W3CTraceContextPropagator(),
  })
  isOn = true
  return {
    client: [new temporal.OpenTelemetryWorkflowClientInterceptor()],
    activity: [(ctx) => ({ inbound: new temporal.OpenTelemetryActivityInboundInterceptor(ctx) })],
    sinks: { exporter: temporal.makeWorkflowExporter(processor, resource) },
    close: async () => {
      isOn = false
      await provider.shutdown()
    },
  }
}

/** INV-6: whatever an interceptor puts into a span, only what is on the list leaves the process. */
function scrubbing(inner: SpanProcessor): SpanProcessor {
  return {
    onStart: (span, parent) => inner.onStart(span, parent),
    onEnd: (span) => {
      scrub(span)
      inner.onEnd(span)
    },
    forceFlush: () => inner.forceFlush(),
    shutdown: () => inner.shutdown(),
  }
}

function scrub(span: ReadableSpan): void {
  for (const name of Object.keys(span.attributes))
    if (!allowed.has(name)) Reflect.deleteProperty(span.attributes, name)
  span.events.splice(0)
  Reflect.set(span, 'status', { code: span.status.code })
}

type Attributes = Readonly<Record<string, string | number>>

interface Wish {
  readonly kind: 'server' | 'client'
  readonly attributes: Attributes
  /** Headers of a request whose sender traces, too. */
  readonly from?: Readonly<Record<string, unknown>>
}

/** A span as those see it who work inside. */
export interface OpenSpan {
  rename(name: string): void
  set(attributes: Attributes): void
  fail(): void
}

const nowhere: OpenSpan = { rename: () => undefined, set: () => undefined, fail: () => undefined }

/** Does `work` in a span of its own; what it throws marks the span. */
export async function traced<T>(name: string, wish: Wish, work: (span: OpenSpan) => Promise<T>): Promise<T> {
  if (!isOn) return await work(nowhere)
  const outer = wish.from ? propagation.extract(context.active(), wish.from) : context.active()
  const kind = wish.kind === 'server' ? SpanKind.SERVER : SpanKind.CLIENT
  const tracer = trace.getTracer('tieline')
  return await tracer.startActiveSpan(
    name,
    { kind, attributes: { ...wish.attributes } },
    outer,
    async (span) => {
      try {
        return await work(opened(span))
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR })
        throw error
      } finally {
        span.end()
      }
    },
  )
}

const opened = (span: Span): OpenSpan => ({
  rename: (name) => void span.updateName(name),
  set: (attributes) => void span.setAttributes({ ...attributes }),
  fail: () => void span.setStatus({ code: SpanStatusCode.ERROR }),
})
