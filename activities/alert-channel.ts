/** How each kind of channel is sent to. What goes wrong is an answer, in words without an address or a URL. */
import type { AlertChannel, ChannelSecrets } from '../db/alert-channels.ts'
import type { AlertDelivery } from '../db/alert-deliveries.ts'
import {
  htmlOf,
  pagerDutyOf,
  slackOf,
  subjectOf,
  textOf,
  webhookOf,
  type AlertFacts,
} from '../model/alert-message.ts'
import type { JsonObject } from '../model/json.ts'
import { signedHeaders } from '../platform/secrets/webhook-signing.ts'
import type { ActivityDeps } from './deps.ts'

export interface SendAnswer {
  /** Null: it got through. */
  readonly error: string | null
  /** Nobody has to wait and see: the channel says no. */
  readonly isRefused: boolean
}

/** Where events of PagerDuty go, unless the channel says otherwise. */
const pagerDutyUrl = 'https://events.pagerduty.com/v2/enqueue'

export function sendBy(
  deps: ActivityDeps,
  channel: AlertChannel,
  secrets: ChannelSecrets,
  alert: AlertDelivery,
  facts: AlertFacts,
): Promise<SendAnswer> {
  switch (channel.kind) {
    case 'email':
      return sendMail(deps, secrets, alert, facts)
    case 'slack':
      return post(deps, secrets.url, slackOf(facts))
    case 'webhook':
      return sendWebhook(deps, secrets, alert, facts)
    case 'pagerduty':
      return post(deps, secrets.url ?? pagerDutyUrl, pagerDutyOf(facts, secrets.routingKey ?? ''))
  }
}

async function sendMail(
  { mailer, config, clock }: ActivityDeps,
  { to = [], smtpUrl, from }: ChannelSecrets,
  alert: AlertDelivery,
  facts: AlertFacts,
): Promise<SendAnswer> {
  const url = smtpUrl ?? config.mail?.smtpUrl
  const sender = from ?? config.mail?.from
  if (url === undefined || sender === undefined)
    return { error: 'No mail server is set: TIELINE_SMTP_URL and TIELINE_MAIL_FROM.', isRefused: true }
  const domain = /@([^\s@<>]+)>?$/.exec(sender)?.[1] ?? 'tieline.invalid'
  return await mailer.send(
    { url, isForeign: smtpUrl !== undefined },
    {
      ...{ from: sender, to, subject: subjectOf(facts), text: textOf(facts), html: htmlOf(facts) },
      thread: `${facts.incidentId.toLowerCase()}@${domain}`,
      id: `${alert.deliveryId.toLowerCase()}.${alert.version}.${clock.now().getTime()}@${domain}`,
    },
  )
}

async function sendWebhook(
  deps: ActivityDeps,
  { url, secret }: ChannelSecrets,
  alert: AlertDelivery,
  facts: AlertFacts,
): Promise<SendAnswer> {
  const now = deps.clock.now()
  const body = JSON.stringify(webhookOf(facts))
  // What is said anew is another message; what is tried again is the same.
  const id = alert.version === 1 ? alert.deliveryId : `${alert.deliveryId}.${alert.version}`
  const signing = { scheme: 'hmac', secret: secret ?? '', createdAt: now.toISOString(), until: null } as const
  return await post(deps, url, body, signedHeaders([signing], { id, body }, now))
}

async function post(
  { outbound }: ActivityDeps,
  url: string | undefined,
  body: JsonObject | string,
  headers: Readonly<Record<string, string>> = {},
): Promise<SendAnswer> {
  if (url === undefined) return { error: 'The channel has no URL.', isRefused: true }
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const given = { 'content-type': 'application/json', 'user-agent': 'Tieline', ...headers }
  const { status, error } = await outbound.post(url, given, text)
  if (status !== null && status >= 200 && status < 300) return { error: null, isRefused: false }
  if (status === null) return { error: error ?? 'No answer came.', isRefused: false }
  const isRefused = status >= 300 && status < 500 && status !== 408 && status !== 429
  return { error: `The receiver answered ${status}.`, isRefused }
}
