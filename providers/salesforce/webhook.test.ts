/** What is special to Salesforce's outbound messages; what all webhooks must do: `test/webhooks.conformance.test.ts`. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import { applyMapping } from '../../model/mapping.ts'
import type { HookEvent, HookRequest } from '../contract-webhook.ts'
import { caseSafeId } from './ids.ts'
import { received } from './webhook-resources.ts'
import { webhooks } from './webhook.ts'
import { parseXml } from './xml.ts'

const organization = '00D5g000000ABCDEA4'
const request = (body: string | Buffer): HookRequest => ({
  method: 'POST',
  url: new URL('https://hub.example.com/hooks/salesforce/con_1?key=k'),
  headers: new Map([['content-type', ['text/xml; charset=UTF-8']]]),
  body: typeof body === 'string' ? Buffer.from(body, 'utf8') : body,
  receivedAt: new Date('2026-11-24T10:00:00Z'),
})

/** In the form that Salesforce sends (WSDL and messages in public repositories: README). */
const message = (
  notifications: string,
  head = `<OrganizationId>${organization}</OrganizationId>`,
) => `<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <soapenv:Body>
  <notifications xmlns="http://soap.sforce.com/2005/09/outbound">
   ${head}
   <ActionId>04k5Y0000008Q1hQAE</ActionId>
   <SessionId>00D5g000000ABCDEA4!s3ss10n</SessionId>
   <EnterpriseUrl>https://example.my.salesforce.com/services/Soap/c/66.0/00D5g000000ABCD</EnterpriseUrl>
   <PartnerUrl>https://example.my.salesforce.com/services/Soap/u/66.0/00D5g000000ABCD</PartnerUrl>
   ${notifications}
  </notifications>
 </soapenv:Body>
</soapenv:Envelope>`

const notification = (type: string, fields: Readonly<Record<string, string>>, id = '04l5Y00002lRDRNQA4') => `
   <Notification>
    <Id>${id}</Id>
    <sObject xsi:type="sf:${type}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">
${Object.entries(fields)
  .map(([name, value]) => `     <sf:${name}>${value}</sf:${name}>`)
  .join('\n')}
    </sObject>
   </Notification>`
const changed = { CreatedDate: '2026-11-01T08:00:00.000Z', LastModifiedDate: '2026-11-24T09:00:00.000Z' }

const split = (body: string) => webhooks.split(request(body))
const ajv = new Ajv2020({ strict: false })
function mappedOf(event: HookEvent | undefined) {
  const resource = received.find(({ name }) => name === event?.resource)
  if (!resource || !event?.row) throw new Error('no row of a resource')
  expect([ajv.validate(resource.schema, event.row), ajv.errorsText()]).toEqual([true, 'No errors'])
  expect(resource.externalId(event.row)).toBe(event.externalId)
  const { mapped, problems } = applyMapping(resource.mapping, event.row)
  expect(problems).toEqual([])
  return mapped
}

describe('an id of 15 characters', () => {
  it('gets the three that others know for it', () => {
    // Published: rubydoc.info/gems/salesforce_id_formatter, pypi.org/project/salesforce_id_converter, github.com/walling/sfid.
    expect(caseSafeId('70130000001tcyI')).toBe('70130000001tcyIAAQ')
    expect(caseSafeId('00558000001N0Ke')).toBe('00558000001N0KeAAK')
    expect(caseSafeId('80120000000tEst')).toBe('80120000000tEstAAE')
    expect(caseSafeId('00D5g000000ABCDEA4')).toBe('00D5g000000ABCDEA4')
    expect(caseSafeId('short')).toBe('short')
  })
})

describe('a message', () => {
  const body = message(notification('Contact', { Id: '003' }))
  const checks = (organizationId: readonly string[], sent = body) =>
    webhooks.verify(request(sent), { organizationId }, {})

  it('is let in from the organization, whose id was entered with 15 or 18 characters', () => {
    const short = '00D5Y000001MPM7'
    const of = message(
      notification('Contact', { Id: '003' }),
      '<OrganizationId>00D5Y000001MPM7UAO</OrganizationId>',
    )
    for (const ids of [[short], ['00D5Y000001MPM7UAO'], ['00Dother0000000', short]])
      expect(checks(ids, of)).toEqual([{ name: 'tenant', passed: true }])
    expect(checks([organization])).toEqual([{ name: 'tenant', passed: true }])
    // A byte order mark is no text.
    expect(checks([organization], `\ufeff${body}`)).toEqual([{ name: 'tenant', passed: true }])
  })

  it('is refused from another one, in other case, without one, with two, and where it is not the message’s own', () => {
    const refused = [expect.objectContaining({ name: 'tenant', passed: false })]
    expect(checks(['00D5Y000001MPM7UAO'])).toEqual(refused)
    expect(checks([organization.toLowerCase()])).toEqual(refused)
    expect(checks([''])).toEqual(refused)
    const own = `<OrganizationId>${organization}</OrganizationId>`
    for (const wrong of [
      message('', ''),
      message('', own + own),
      message('', `<x>${own}</x>`),
      message('', `<!-- ${own} -->`),
      message('', `<o:OrganizationId xmlns:o="urn:x">${organization}</o:OrganizationId>`),
      body.replace('http://soap.sforce.com/2005/09/outbound', 'urn:x'),
      `<!DOCTYPE x [<!ENTITY o "${organization}">]>${message('', '<OrganizationId>&o;</OrganizationId>')}`,
      own,
      '',
    ])
      expect(checks([organization], wrong)).toEqual(refused)
    const [check] = checks(['00D5Y000001MPM7UAO'])
    expect(check?.detail).not.toContain('00D')
  })

  it('is acknowledged in the words that stop Salesforce from sending it again', () => {
    const answer = webhooks.accepted?.(request(body))
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'text/xml; charset=utf-8' } })
    const [soapBody] = parseXml(answer?.body ?? '').children
    const [response] = soapBody?.children ?? []
    expect(response).toMatchObject({
      name: 'notificationsResponse',
      namespace: 'http://soap.sforce.com/2005/09/outbound',
    })
    expect(response?.children).toMatchObject([{ name: 'Ack', text: 'true' }])
  })

  it('that cannot be read is told as such', () => {
    for (const wrong of [
      message(''),
      message(notification('Contact', { Id: '003' }, '')),
      message('<Notification><Id>04l</Id></Notification>'),
      message('<Notification><Id>04l</Id><sObject/></Notification>'),
      message('<Notification><Id>04l</Id><sObject type="Contact"/></Notification>'),
      '{"json":true}',
    ])
      expect(() => split(wrong)).toThrow(expect.objectContaining({ code: 'Invalid' }) as Error)
    const latin = Buffer.from(message(notification('Contact', { LastName: 'Söhne' })), 'latin1')
    expect(() => webhooks.split(request(latin))).toThrow(
      expect.objectContaining({ code: 'Invalid' }) as Error,
    )
  })
})

describe('a notification', () => {
  it('of a contact is a contact; names keep their letters', () => {
    const [event] = split(
      message(
        notification('Contact', {
          Id: '0035g00000AbCdEAAV',
          ...changed,
          FirstName: 'Zo&#xEB; &amp; Ana',
          LastName: '<![CDATA[<Söhne> 🦊]]>',
          Email: 'zoe@example.com',
          AccountId: '0015g00000XyZabAAF',
          HasOptedOutOfEmail: 'true',
          Number__c: '007',
          IsVip__c: 'true',
        }),
      ),
    )
    expect(event).toMatchObject({
      key: '04l5Y00002lRDRNQA4',
      type: 'Contact',
      about: 'changed',
      resource: 'contacts',
      externalId: '0035g00000AbCdEAAV',
      occurredAt: new Date('2026-11-24T09:00:00.000Z'),
      // What is custom stays as it was written: XML does not tell a number from a text.
      row: { HasOptedOutOfEmail: true, Number__c: '007', IsVip__c: 'true' },
    })
    expect(mappedOf(event)).toMatchObject({
      id: '0035g00000AbCdEAAV',
      name: 'Zoë & Ana <Söhne> 🦊',
      email: 'zoe@example.com',
      accountId: '0015g00000XyZabAAF',
      isSubscribed: false,
      createdAt: '2026-11-01T08:00:00.000Z',
      updatedAt: '2026-11-24T09:00:00.000Z',
    })
  })

  it('of each other object maps as well', () => {
    const mapped = (type: string, fields: Readonly<Record<string, string>>) =>
      mappedOf(split(message(notification(type, { Id: 'x', ...changed, ...fields })))[0])
    expect(
      mapped('Account', { Name: 'Sol', Website: 'https://sol.example', NumberOfEmployees: '42' }),
    ).toMatchObject({
      name: 'Sol',
      domain: 'sol.example',
      employees: 42,
    })
    expect(mapped('Account', { AnnualRevenue: '1200.5', CurrencyIsoCode: 'EUR' })).toMatchObject({
      annualRevenue: { amountMinor: 120050, currency: 'EUR' },
    })
    expect(mapped('Lead', { Company: 'Sol', LastName: 'Sol', Status: 'Open' })).toMatchObject({
      companyName: 'Sol',
      name: 'Sol',
      status: 'Open',
    })
    const deal = { Name: 'Ten', Amount: '10', CloseDate: '2026-12-31', StageName: 'Won' }
    expect(mapped('Opportunity', { ...deal, IsClosed: 'true', IsWon: 'true' })).toMatchObject({
      status: 'won',
      stageId: 'Won',
      closesAt: '2026-12-31T00:00:00.000Z',
    })
    expect(mapped('Opportunity', { ...deal, IsClosed: 'true', IsWon: 'false' })).toMatchObject({
      status: 'lost',
    })
    expect(mapped('Opportunity', { ...deal, IsClosed: 'false', IsWon: 'false' })).toMatchObject({
      status: 'open',
    })
    expect(mapped('Task', { Subject: 'Call', TaskSubtype: 'Call' })).toMatchObject({
      type: 'call',
      subject: 'Call',
    })
    expect(mapped('Task', {})).toMatchObject({ type: 'task' })
    expect(mapped('Event', { StartDateTime: '2026-12-01T09:00:00.000Z' })).toMatchObject({
      type: 'meeting',
      occurredAt: '2026-12-01T09:00:00.000Z',
    })
    expect(mapped('Case', { Status: 'Working', Priority: 'Medium' })).toMatchObject({
      status: 'open',
      priority: 'normal',
    })
  })

  it('shows nobody the session that may come with it', () => {
    const [event] = split(message(notification('Contact', { Id: '003', ...changed })))
    expect(JSON.stringify(event)).not.toContain('s3ss10n')
    expect(event?.payload).toMatchObject({ OrganizationId: organization, ActionId: '04k5Y0000008Q1hQAE' })
  })

  it('without a time of change names its record only: messages overtake each other', () => {
    const [event] = split(message(notification('Lead', { Id: '00Q1', LastName: 'Sol' })))
    expect(event).toMatchObject({ about: 'changed', resource: 'leads', externalId: '00Q1' })
    expect(event).not.toHaveProperty('row')
  })

  it('of a deleted record ends it; nil is null; an object of their own or without id is kept as unknown', () => {
    const abouts = (type: string, fields: Readonly<Record<string, string>>) =>
      split(message(notification(type, fields))).map(({ about }) => about)
    expect(abouts('Lead', { Id: '00Q1', IsDeleted: 'true' })).toEqual(['deleted'])
    expect(abouts('IntegrationMessage__c', { Id: 'a4x' })).toEqual(['unknown'])
    expect(abouts('constructor', { Id: 'a4x' })).toEqual(['unknown'])
    expect(abouts('Lead', { LastName: 'Sol' })).toEqual(['unknown'])
    const nil = notification('Lead', { Id: '00Q1', ...changed }).replace(
      '<sf:Id>',
      '<sf:Phone xsi:nil="true"/><sf:Id>',
    )
    expect(split(message(nil))[0]?.row).toMatchObject({ Phone: null })
  })

  it('is one of up to 100 in a message, and counts once however often it comes', () => {
    const hundred = Array.from({ length: 100 }, (_, n) =>
      notification('Lead', { Id: `00Q${n}`, ...changed }, `04l${n}`),
    )
    expect(split(message(hundred.join(''))).map(({ key }) => key)).toEqual(hundred.map((_, n) => `04l${n}`))
    expect(split(message(`${hundred[0] ?? ''}${hundred[0] ?? ''}`))).toHaveLength(1)
  })
})
