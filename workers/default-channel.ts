/**
 * The hub's own alert channel, from the settings: whoever sets TIELINE_SMTP_URL, TIELINE_MAIL_FROM and TIELINE_ALERT_EMAILS hears of
 * incidents without another step. Repeatable, and safe from several workers at once; what people have changed about it stays.
 */
import { appendAudit } from '../db/audit.ts'
import {
  getChannel,
  insertChannel,
  isErased,
  openChannel,
  sealChannel,
  updateChannel,
} from '../db/alert-channels.ts'
import { inTransaction } from '../db/client.ts'
import { lockSweep } from '../db/incident-tracks.ts'
import type { ActivityDeps } from '../activities/deps.ts'
import type { ServiceConfig } from '../platform/config.ts'

/** The same on every hub, so that it is made once. */
const defaultChannelId = 'chn_00000000000000000000000001'

export async function ensureDefaultAlerts(
  { database: { db }, vault }: Pick<ActivityDeps, 'database' | 'vault'>,
  { alertEmails }: Pick<ServiceConfig, 'alertEmails'>,
): Promise<void> {
  if (alertEmails.length === 0) return
  const channelId = defaultChannelId
  const before = await openChannel(db, vault, channelId)
  if (JSON.stringify(before.to) === JSON.stringify(alertEmails)) return
  const target = `${alertEmails.length} receiver${alertEmails.length === 1 ? '' : 's'}`
  const sealed = await sealChannel(db, vault, channelId, { ...before, to: alertEmails })
  await inTransaction(db, async (tx) => {
    await lockSweep(tx)
    const known = await getChannel(tx, channelId)
    if (known) await updateChannel(tx, channelId, { target, sealed })
    else if (!(await isErased(tx, channelId)))
      await insertChannel(tx, {
        ...{ channelId, partnerId: null, name: 'Mail of the hub', kind: 'email', target, sealed },
        createdBy: 'settings',
      })
    else return
    const action = known ? 'alert_channel.changed' : 'alert_channel.created'
    await appendAudit(tx, { actor: 'settings', action, subject: channelId })
  })
}
