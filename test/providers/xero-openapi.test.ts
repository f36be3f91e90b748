/** The simulated Xero judged by Xero's own OpenAPI files, so that it and the connector cannot share a misreading. */
import { samples } from '../../sandbox/samples.ts'
import { startSandbox, type Sandbox } from '../../sandbox/server.ts'
import { loadProviderOpenapi } from '../harness/provider-openapi.ts'

const slug = 'xero'
const openapi = loadProviderOpenapi(slug)
if (!openapi) console.warn('SKIPPED: ../shared/specs/xero is not there, so nothing can judge the simulator')
const judged = openapi ? describe : describe.skip

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, limits: { minute: 1e6, day: 1e6 } })
  for (const resource of ['contacts', 'invoices', 'bills', 'credit_notes'])
    sandbox.control.edit(slug, { resource, create: 5, update: 20, delete: 3 })
})
afterAll(() => sandbox.close())

const sample = samples.find((one) => one.provider === slug)
async function call(method: string, path: string, body?: object) {
  const response = await fetch(`${sandbox.url}/${slug}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${sample?.secrets['access_token'] ?? ''}`,
      'xero-tenant-id': sample?.settings['tenant_id'] ?? '',
      'content-type': 'application/json',
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

const first = (resource: string) => Object.keys(sandbox.control.state(slug, resource))[0] ?? ''

/** The envelope of the files has warnings, and pages for single objects too; their examples have neither. */
const whole = (body: Record<string, unknown>) => ({ pagination: {}, Warnings: [], ...body })

judged('the simulated Xero answers as its OpenAPI files describe', () => {
  it.each([
    ['/Contacts', '?page=1&pageSize=1000&includeArchived=true', 'Contacts'],
    ['/Invoices', '?page=1&pageSize=1000', 'Invoices'],
    ['/Invoices', '?summaryOnly=true', 'Invoices'],
    ['/Invoices', '', 'Invoices'],
    ['/CreditNotes', '?page=1&pageSize=1000', 'CreditNotes'],
    ['/Contacts/<contacts>', '', 'Contacts'],
    ['/Invoices/<bills>', '', 'Invoices'],
    ['/CreditNotes/<credit_notes>', '', 'CreditNotes'],
  ])('GET %s%s', async (template, query, list) => {
    const path = template.replace(/<(\w+)>/, (_all, resource: string) => first(resource))
    const { status, body } = await call('GET', `/api.xro/2.0${path}${query}`)
    expect(status).toBe(200)
    expect(body[list]).not.toEqual([])
    expect(openapi?.problemsOf('GET', path, status, whole(body))).toEqual([])
  })

  it('names no field that the files do not know', async () => {
    for (const path of ['/Contacts?page=1', '/Invoices?page=1', '/CreditNotes?page=1', '/Organisation']) {
      const { body } = await call('GET', `/api.xro/2.0${path}`)
      const names = new Set<string>()
      const walk = (value: unknown): void => {
        if (Array.isArray(value)) value.forEach(walk)
        else if (typeof value === 'object' && value !== null)
          for (const [name, inner] of Object.entries(value)) {
            names.add(name)
            walk(inner)
          }
      }
      walk(body)
      expect([...names].filter((name) => !openapi?.knowsWord(name))).toEqual([])
    }
  })

  it('the organisation, the connections, a refusal', async () => {
    const organisation = await call('GET', '/api.xro/2.0/Organisation')
    expect(openapi?.problemsOf('GET', '/Organisation', 200, organisation.body)).toEqual([])
    const connections = await call('GET', '/connections')
    // The times of the file's own example have no zone either, whatever its format says.
    expect(openapi?.problemsOf('GET', '/Connections', 200, connections.body)).toEqual([
      '/0/createdDateUtc must match format "date-time"',
      '/0/updatedDateUtc must match format "date-time"',
    ])
    const [paid = ''] =
      Object.entries(sandbox.control.state(slug, 'invoices')).find(([, one]) => one['Status'] === 'PAID') ??
      []
    const refusal = await call('POST', `/api.xro/2.0/Invoices/${paid}`, {
      Invoices: [{ InvoiceID: paid, Status: 'VOIDED' }],
    })
    expect(refusal).toMatchObject({
      status: 400,
      body: {
        ErrorNumber: 10,
        Type: 'ValidationException',
        Message: expect.any(String) as string,
        Elements: [{ ValidationErrors: [{ Message: expect.stringMatching(/./) as string }] }],
      },
    })
  })
})
