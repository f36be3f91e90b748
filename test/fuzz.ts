/**
 * `npm run fuzz`: schemathesis sends the running hub what its description allows, and what it forbids, and looks at every answer: none is a 5xx, each has a
 * status, a type and a body that the description names. Seeded, so that a finding comes again; the last line says how many there are.
 *
 *   npm run fuzz                       what partners may ask, 6 examples an operation
 *   npm run fuzz -- --examples 100 --seed 7
 *   npm run fuzz -- --coverage         every boundary of every schema, too: some minutes
 *   npm run fuzz -- --only '/v1/runs'  paths that match
 */
import { execFile, spawn } from 'node:child_process'
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { defaultCacheDir } from '../cli/up/temporal-cli.ts'
import { insertApiKey } from '../db/api-keys.ts'
import { ensureAccount, ensurePartner } from '../db/partners.ts'
import { keyScopes } from '../model/permissions.ts'
import { ofModels } from '../openapi/derived.ts'
import { newId } from '../platform/new-id.ts'
import { mintApiKey } from '../platform/secrets/api-key.ts'
import { startProcesses, type Processes } from './harness/processes.ts'

const version = '4.32.5'
const run = promisify(execFile)
const { values } = parseArgs({
  options: {
    examples: { type: 'string', default: '6' },
    seed: { type: 'string', default: '20261129' },
    only: { type: 'string' },
    // Every boundary of every schema besides: thousands of requests more.
    coverage: { type: 'boolean', default: false },
    // The operations on models are the same for each: three stand for all.
    models: { type: 'string', default: 'ticket,contact,invoice' },
    seconds: { type: 'string', default: '180' },
  },
})

/** The program, in a virtual environment of its own in the user's cache: a fresh clone need not fetch again. */
async function findSchemathesis(): Promise<string> {
  const folder = path.join(defaultCacheDir(), `schemathesis-${version}`)
  const program = path.join(folder, 'bin', 'schemathesis')
  if (
    await access(program).then(
      () => true,
      () => false,
    )
  )
    return program
  console.log(`fetching schemathesis ${version} (once for this user)`)
  await mkdir(path.dirname(folder), { recursive: true })
  await rm(folder, { recursive: true, force: true })
  await run('python3', ['-m', 'venv', folder])
  try {
    const quiet = ['--quiet', '--disable-pip-version-check', '--no-input']
    await run(path.join(folder, 'bin', 'pip'), ['install', ...quiet, `schemathesis==${version}`], {
      maxBuffer: 16 * 1024 * 1024,
    })
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
  return program
}

interface Subject {
  readonly token: string
  /** Ids that exist, so that examples get further than 404. */
  readonly ids: Readonly<Record<string, string>>
}

/** A partner with an account, a synced connection, an endpoint; and a key that may do everything a key may. */
async function prepare(hub: Processes): Promise<Subject> {
  const { db } = hub.database
  const [partnerId, accountId] = [newId('partner'), newId('account')]
  await ensurePartner(db, { partnerId, name: 'Fuzz' })
  await ensureAccount(db, { partnerId, accountId, name: 'Fuzz' })
  const minted = mintApiKey('live')
  await insertApiKey(
    db,
    {
      partnerId,
      name: 'Of the fuzzer',
      mode: 'live',
      scopes: [...keyScopes],
      networks: [],
      expiresAt: null,
      createdBy: 'fuzz',
    },
    minted,
  )
  const ask = async (method: string, place: string, body?: object): Promise<Record<string, string>> => {
    const answer = await fetch(hub.apiUrl + place, {
      method,
      headers: {
        Authorization: `Bearer ${minted.text}`,
        'Content-Type': 'application/json',
        'Idempotency-Key': newId('request'),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${place}: ${answer.status} ${text}`)
    return JSON.parse(text) as Record<string, string>
  }
  const { settings, secrets } = await import('../sandbox/simulators.ts').then(
    ({ simulators }) => simulators[0]?.sample ?? { settings: {}, secrets: {} },
  )
  const { connectionId = '' } = await ask('POST', '/v1/connections', {
    provider: 'zendesk',
    accountId,
    settings,
    secrets,
  })
  const { runId = '' } = await ask('POST', '/v1/runs', { connectionId })
  for (
    let state = 'running';
    state === 'running' || state === 'queued';
    await new Promise((next) => setTimeout(next, 200))
  )
    state = (await ask('GET', `/v1/runs/${runId}`))['state'] ?? ''
  return { token: minted.text, ids: { partnerId, accountId, connectionId, runId } }
}

/**
 * The description as the fuzzer reads it: the hub's own, with the ids that exist among its examples. What the key could not go on after is left out:
 * deleting the connection that all the others are about, and its own key.
 */
async function described(hub: Processes, { ids }: Subject, folder: string): Promise<string> {
  const text = await (await fetch(`${hub.apiUrl}/openapi/partner.json`)).text()
  const description = JSON.parse(text) as {
    paths: Record<string, Record<string, unknown>>
    components: { schemas: Record<string, { examples?: unknown[] }> }
  }
  for (const [name, id] of Object.entries(ids)) {
    const schema = description.components.schemas[name.charAt(0).toUpperCase() + name.slice(1)]
    if (schema) schema.examples = [id]
  }
  const withIds = JSON.stringify(description)
    .replaceAll('con_01KAT0000000000000000000AA', ids['connectionId'] ?? '')
    .replaceAll('acc_00000000000000000000000000', ids['accountId'] ?? '')
  const file = path.join(folder, 'partner.json')
  await writeFile(file, withIds)
  return file
}

const folder = await mkdtemp(path.join(tmpdir(), 'tieline-fuzz-'))
const program = await findSchemathesis()
const hub = await startProcesses({
  apis: 1,
  sandbox: { size: { tickets: 12, comments: 12, users: 8, organizations: 4, sections: 5, articles: 6 } },
  env: { TIELINE_VALIDATE_RESPONSES: '1' },
})
let code = 1
try {
  const subject = await prepare(hub)
  const file = await described(hub, subject, folder)
  const models = values.models.split(',')
  const same = Object.entries(ofModels).flatMap(([id, { model }]) =>
    values.models === 'all' || models.includes(model) ? [] : [id],
  )
  const keeps = ['DELETE /v1/connections/{connectionId}', 'POST /v1/connections/{connectionId}/pause']
  const report = path.join(folder, 'junit.xml')
  const child = spawn(
    program,
    [
      ...['run', file, '--url', hub.apiUrl, '--header', `Authorization: Bearer ${subject.token}`],
      ...[
        '--checks',
        'not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance',
      ],
      ...['--phases', values.coverage ? 'examples,coverage,fuzzing' : 'examples,fuzzing', '--mode', 'all'],
      ...[
        '--max-examples',
        values.examples,
        '--seed',
        values.seed,
        '--generation-database',
        'none',
        '--workers',
        '1',
      ],
      ...['--request-timeout', '30', '--continue-on-failure', '--no-color'],
      ...['--report', 'junit', '--report-junit-path', report],
      ...keeps.flatMap((name) => ['--exclude-name', name]),
      ...same.flatMap((id) => ['--exclude-operation-id', id]),
      ...(values.only === undefined ? [] : ['--include-path-regex', values.only]),
    ],
    { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, SCHEMATHESIS_HOOKS: '' }, cwd: folder },
  )
  const cut = setTimeout(() => child.kill('SIGINT'), Number(values.seconds) * 1000)
  code = await new Promise<number>((resolve) => child.on('close', (status) => resolve(status ?? 1)))
  clearTimeout(cut)
} finally {
  await hub.close()
  await rm(folder, { recursive: true, force: true })
}
process.exit(code)
