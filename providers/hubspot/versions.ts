/**
 * Paths with the API version in them (HubSpot's versions are dates; each lives 18 months). One constant per family, so that
 * a family moves when its next version is proven.
 */
const crm = '2026-09'
const lists = '2026-09'
const marketing = '2026-09'
const automation = '2026-09'
const events = '2026-09'
const account = '2026-09'
const oauth = '2026-09'

/** What the manifest shows. */
export const apiVersion = crm

/** An id or name as one segment of a path. */
const part = (text: string): string => encodeURIComponent(text)

export const paths = {
  objects: (type: string): string => `/crm/objects/${crm}/${part(type)}`,
  object: (type: string, id: string): string => `/crm/objects/${crm}/${part(type)}/${part(id)}`,
  search: (type: string): string => `/crm/objects/${crm}/${part(type)}/search`,
  batch: (type: string, operation: 'read' | 'update' | 'upsert' | 'archive'): string =>
    `/crm/objects/${crm}/${part(type)}/batch/${operation}`,
  properties: (type: string): string => `/crm/properties/${crm}/${part(type)}`,
  owners: `/crm/owners/${crm}`,
  pipelines: (type: string): string => `/crm/pipelines/${crm}/${part(type)}`,
  associationsRead: (from: string, to: string): string =>
    `/crm/associations/${crm}/${part(from)}/${part(to)}/batch/read`,
  associationsCreate: (from: string, to: string): string =>
    `/crm/associations/${crm}/${part(from)}/${part(to)}/batch/create`,
  /** Ends every association of the pair. */
  associationsArchive: (from: string, to: string): string =>
    `/crm/associations/${crm}/${part(from)}/${part(to)}/batch/archive`,
  /** Ends only the labels that are named. */
  associationLabelsArchive: (from: string, to: string): string =>
    `/crm/associations/${crm}/${part(from)}/${part(to)}/batch/labels/archive`,
  associationDefault: (from: string, fromId: string, to: string, toId: string): string =>
    `/crm/objects/${crm}/${part(from)}/${part(fromId)}/associations/default/${part(to)}/${part(toId)}`,
  listSearch: `/crm/lists/${lists}/search`,
  list: (id: string): string => `/crm/lists/${lists}/${part(id)}`,
  /** In the order in which members joined, with the time. */
  listMembers: (id: string): string => `/crm/lists/${lists}/${part(id)}/memberships/join-order`,
  listChange: (id: string, operation: 'add' | 'remove'): string =>
    `/crm/lists/${lists}/${part(id)}/memberships/${operation}`,
  marketingEmails: `/marketing/emails/${marketing}`,
  marketingEmail: (id: string): string => `/marketing/emails/${marketing}/${part(id)}`,
  singleSend: `/marketing/transactional/${marketing}/single-email/send`,
  /**
   * Without a dated version so far: "the events API doesn't include marketing email events; use the email event analytics
   * API" (developers.hubspot.com, events guide, read 2026-11-23). Legacy APIs end in September 2027.
   */
  emailEvents: '/email/public/v1/events',
  sequenceEnrollments: `/automation/sequences/${automation}/enrollments`,
  sequenceEnrollmentOf: (contactId: string): string =>
    `/automation/sequences/${automation}/enrollments/contact/${part(contactId)}`,
  /**
   * The newer automation API (flows) has no enrolment; this is the only documented way (legacy v2 reference, read
   * 2026-11-23). HubSpot wants the contact's address in the path.
   */
  workflowEnrollment: (workflowId: string, email: string): string =>
    `/automation/v2/workflows/${part(workflowId)}/enrollments/contacts/${part(email)}`,
  eventSend: `/events/${events}/send`,
  eventDefinitions: `/events/${events}/event-definitions`,
  accountDetails: `/account-info/${account}/details`,
  apiUsage: `/account-info/${account}/api-usage/daily/private-apps`,
} as const

export const oauthUrls = {
  authorize: 'https://app.hubspot.com/oauth/authorize',
  token: `https://api.hubapi.com/oauth/${oauth}/token`,
  revoke: `https://api.hubapi.com/oauth/${oauth}/token/revoke`,
} as const
