/** What `tieline monitor --alert` does: alert policies are evaluated now. */
import { need, type Api, type Schemas } from '../client.ts'
import type { Out } from '../print.ts'

export const evaluateNow = (api: Api): Promise<Schemas['AlertEvaluation']> =>
  need(api.POST('/admin/v1/alerts/evaluate', { params: { header: {} } }))

/** What `tieline monitor --alert` says. */
export function printEvaluation(done: Schemas['AlertEvaluation'], out: Out): void {
  const { policies, failed, opened, resolved, sent } = done
  out.line()
  out.line(
    out.paint.bold(`${policies} alert policies evaluated${failed === 0 ? '' : `, ${failed} could not be`}`),
  )
  for (const one of opened) out.line(`opened    ${one.incidentId}  ${one.title}`)
  for (const one of resolved) out.line(`resolved  ${one.incidentId}  ${one.title}`)
  for (const one of sent) {
    const state = (one.state === 'delivered' ? 'sent' : one.state).padEnd(9)
    const error = one.lastError === null ? '' : `: ${one.lastError}`
    out.line(`${state} ${one.incidentId ?? 'test'}  ${one.kind} to ${one.channelId}${error}`)
  }
  if (opened.length + resolved.length + sent.length === 0) out.line('Nothing new.')
}
