/** Outbound messages as Salesforce writes them; made-up values. */
import { createHash } from 'node:crypto'
import type { HookSampleSpec, HookSampleWish } from '../contract-webhook.ts'
import { sampleNamed } from '../hooks/sample.ts'
import { caseSafeId } from './ids.ts'
import { resourceNames } from './webhook-resources.ts'
import { instanceNamespace, objectNamespace, outboundNamespace, soapNamespace } from './webhook-split.ts'
import { escaped } from './xml.ts'

/** A message does not say whether its record was made or changed. */
export const samples: readonly HookSampleSpec[] = Object.entries(resourceNames).map(([type, resource]) => ({
  event: `${type}.saved`,
  title: `${type} saved`,
  resource,
  effect: 'updated',
}))

const person = {
  FirstName: 'Ana',
  LastName: 'Sol',
  Email: 'ana@example.com',
  Phone: '+351 210 000 000',
  Title: 'Buyer',
}
const fields: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Account: {
    Name: 'Sol & Söhne',
    BillingCity: 'Lisbon',
    BillingCountry: 'Portugal',
    NumberOfEmployees: '42',
  },
  Contact: { ...person, AccountId: caseSafeId('001AA0000000001'), HasOptedOutOfEmail: 'false' },
  Lead: { ...person, Company: 'Sol & Söhne', Status: 'Open - Not Contacted' },
  Opportunity: {
    Name: 'Sol: 10 seats',
    Amount: '1200.5',
    CloseDate: '2026-12-31',
    IsClosed: 'false',
    IsWon: 'false',
    StageName: 'Prospecting',
  },
  Task: { Subject: 'Call back', Status: 'Not Started', ActivityDate: '2026-12-01', TaskSubtype: 'Call' },
  Event: { Subject: 'Visit', StartDateTime: '2026-12-01T09:00:00.000Z', DurationInMinutes: '60' },
  Case: { Subject: 'It does not print', Status: 'New', Priority: 'Medium', Origin: 'Web' },
}

export function sampleBody(wish: HookSampleWish): string {
  const { event, externalId, row, secrets, now, id } = wish
  const [type = ''] = sampleNamed(samples, event).event.split('.')
  const organization = secrets['organizationId'] ?? ''
  const digits = createHash('sha256').update(id).digest('hex')
  const known = Object.entries(row ?? fields[type] ?? {}).filter(
    ([name, value]) => /^[A-Za-z]\w*$/.test(name) && value !== null && typeof value !== 'object',
  )
  const sent = {
    CreatedDate: '2026-11-01T08:00:00.000Z',
    OwnerId: caseSafeId('005AA0000000001'),
    ...Object.fromEntries(known.map(([name, value]) => [name, String(value)])),
    LastModifiedDate: now.toISOString(),
    SystemModstamp: now.toISOString(),
  }
  // Salesforce sends the id first, the other fields by name.
  const all = Object.entries(sent)
    .filter(([name]) => name !== 'Id')
    .sort(([a], [b]) => (a < b ? -1 : 1))
  const written = [['Id', externalId] as const, ...all].map(
    ([name, value]) => `     <sf:${name}>${escaped(value)}</sf:${name}>`,
  )
  const url = (kind: string) => `https://example.my.salesforce.com/services/Soap/${kind}/66.0/${organization}`
  return `<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="${soapNamespace}" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="${instanceNamespace}">
 <soapenv:Body>
  <notifications xmlns="${outboundNamespace}">
   <OrganizationId>${escaped(organization)}</OrganizationId>
   <ActionId>${caseSafeId('04kAA0000000001')}</ActionId>
   <SessionId xsi:nil="true"/>
   <EnterpriseUrl>${escaped(url('c'))}</EnterpriseUrl>
   <PartnerUrl>${escaped(url('u'))}</PartnerUrl>
   <Notification>
    <Id>${caseSafeId(`04l${digits.slice(0, 12)}`)}</Id>
    <sObject xsi:type="sf:${type}" xmlns:sf="${objectNamespace}">
${written.join('\n')}
    </sObject>
   </Notification>
  </notifications>
 </soapenv:Body>
</soapenv:Envelope>`
}
