/** The endpoints under `/v3/company/{realmId}`. */
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { createRouter, type Route, type SimulatorReply, type SimulatorRequest } from '../../sandbox/kit.ts'
import { batch, changes } from './simulator-bulk.ts'
import { entityOfPath, type EntityName } from './simulator-entities.ts'
import { malformed, missing, notFound, unsupported } from './simulator-faults.ts'
import { pdfOf } from './simulator-pdf.ts'
import { parseQuery } from './simulator-query.ts'
import { runQuery } from './simulator-query-run.ts'
import { reports } from './simulator-reports.ts'
import { deskOf, shownAgain, singlesOf, type Scene } from './simulator-scene.ts'
import { annul, create, remove, send, update, type Desk } from './simulator-writes.ts'

/** An answer's body without its time, which the door adds. */
export const json = (body: JsonObject, status = 200): SimulatorReply => ({ status, body })

/** By GET with `query`, or by POST with the statement as text. */
function query(scene: Scene, request: SimulatorRequest): SimulatorReply {
  const text = request.query.get('query') ?? request.text
  return json({ QueryResponse: runQuery(scene.books, parseQuery(text), scene.page, singlesOf(scene)) })
}

function known(segment: string): EntityName {
  const entity = entityOfPath(segment)
  if (entity === undefined) throw unsupported(segment)
  return entity
}

function read(scene: Scene, segment: string, id: string): SimulatorReply {
  const entity = known(segment)
  const object = scene.books.shown(entity, id)
  if (!object) throw notFound()
  return json({ [entity]: object })
}

/** Create, update, delete and void are one path; what is meant is told by the body and `operation`. */
function write(scene: Scene, request: SimulatorRequest, segment: string): SimulatorReply {
  const entity = known(segment)
  if (!isJsonObject(request.body)) throw request.text === '' ? missing('Request body') : malformed('body')
  const object = change(deskOf(scene, request), entity, request.body, request.query)
  return json({ [entity]: shownAgain(scene.books, entity, object) })
}

function change(desk: Desk, entity: EntityName, body: JsonObject, asked: URLSearchParams): JsonObject {
  const operation = asked.get('operation')
  if (operation === 'delete') return remove(desk, entity, body)
  if (operation === 'void' || asked.get('include') === 'void') return annul(desk, entity, body)
  if (operation !== null && !['update', 'create'].includes(operation)) throw unsupported(operation)
  return body['Id'] === undefined ? create(desk, entity, body) : update(desk, entity, body)
}

function sendForm(scene: Scene, request: SimulatorRequest, segment: string, id: string): SimulatorReply {
  const entity = known(segment)
  return json({ [entity]: send(deskOf(scene), entity, id, request.query.get('sendTo')) })
}

function pdf({ books }: Scene, segment: string, id: string): SimulatorReply {
  const entity = known(segment)
  const object = books.shown(entity, id)
  if (!object) throw notFound()
  if (!['Invoice', 'CreditMemo', 'SalesReceipt', 'Payment'].includes(entity))
    throw unsupported(`pdf ${entity}`)
  return { status: 200, headers: { 'content-type': 'application/pdf' }, text: pdfOf(entity, object) }
}

function report(scene: Scene, request: SimulatorRequest, name: string): SimulatorReply {
  const make = Object.entries(reports).find(([one]) => one.toLowerCase() === name.toLowerCase())?.[1]
  if (!make) throw unsupported(`report ${name}`)
  return json(make({ books: scene.books, now: scene.now() }, request.query))
}

const single =
  (name: 'CompanyInfo' | 'Preferences') =>
  (scene: Scene): SimulatorReply =>
    json({ [name]: singlesOf(scene)[name] ?? {} })

const routes: readonly Route<Scene>[] = [
  ['GET', '/query', query],
  ['POST', '/query', query],
  ['GET', '/cdc', (scene, request) => json(changes(scene, request.query))],
  ['POST', '/batch', (scene, request) => json(batch(scene, request.body))],
  ['GET', '/companyinfo/:realmId', single('CompanyInfo')],
  ['GET', '/preferences', single('Preferences')],
  ['GET', '/reports/:name', (scene, request, [name = '']) => report(scene, request, name)],
  ['GET', '/:entity/:key/pdf', (scene, _request, [entity = '', id = '']) => pdf(scene, entity, id)],
  [
    'POST',
    '/:entity/:key/send',
    (scene, request, [entity = '', id = '']) => sendForm(scene, request, entity, id),
  ],
  ['GET', '/:entity/:key', (scene, _request, [entity = '', id = '']) => read(scene, entity, id)],
  ['POST', '/:entity', (scene, request, [entity = '']) => write(scene, request, entity)],
]

export const route = createRouter(routes)
