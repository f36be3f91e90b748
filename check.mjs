// `npm run check`: everything about the code that needs no running hub. One line each; what failed is shown below its line.
// Arguments name the checks to run (`npm run check -- types lint`).
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { installPackages, requireNode } from './install.mjs'

requireNode()
installPackages()
const root = import.meta.dirname
const scratch = mkdtempSync(path.join(tmpdir(), 'tieline-check-'))
const rooms = [
  'model',
  'platform',
  'db',
  'openapi',
  'providers',
  'activities',
  'workflows',
  'workers',
  'api',
  'client',
  'cli',
  'sandbox',
]

/** Runs a program of node_modules; resolves to its output, rejects with it when it fails. */
function tool(name, ...args) {
  const command = path.join(root, 'node_modules', '.bin', name)
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, NO_COLOR: '1', REDOCLY_TELEMETRY: 'off' },
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
    child.on('error', reject)
    child.on('close', (code) =>
      code === 0 ? resolve(output) : reject(new Error(output.trim() || `exit code ${code}`)),
    )
  })
}

/** Fails when a committed, generated file is not what its generator makes now. */
function compare(made, committed, command) {
  const place = path.join(root, committed)
  if (existsSync(place) && readFileSync(place, 'utf8') === readFileSync(made, 'utf8')) return
  throw new Error(`${committed} is out of date: run \`${command}\` and commit it`)
}

const checks = {
  types: () => tool('tsc', '--noEmit', '-p', '.'),
  lint: () => tool('eslint', '--max-warnings=0', '.'),
  format: () => tool('prettier', '--check', '--log-level=warn', '.'),
  imports: () =>
    tool(
      'depcruise',
      '--config',
      '.dependency-cruiser.cjs',
      ...rooms.filter((room) => existsSync(path.join(root, room))),
    ),
  unused: () => tool('knip', '--no-progress'),
  openapi: () => tool('redocly', 'lint', 'openapi/bundle.json'),
  'generated models': async () => {
    const models = path.join(scratch, 'models.yaml')
    await tool('tsx', 'openapi/generate-models.ts', models)
    compare(models, 'openapi/schemas/models.yaml', 'npm run gen:models')
    await tool('tsx', 'openapi/generate-webhooks.ts', scratch)
    for (const file of ['schemas/events.yaml', 'webhooks.yaml'])
      compare(path.join(scratch, file), `openapi/${file}`, 'npm run gen:models')
  },
  'generated partner api': async () => {
    await tool('tsx', 'openapi/generate-partner.ts', scratch)
    const files = [
      'paths/partner.yaml',
      'schemas/partner.yaml',
      'paths/by-model.yaml',
      'schemas/by-model.yaml',
    ]
    for (const file of [...files, 'derived.ts', 'openapi.yaml'])
      compare(path.join(scratch, file), `openapi/${file}`, 'npm run gen:partner')
  },
  'generated api': async () => {
    const bundle = path.join(scratch, 'bundle.json')
    const types = path.join(scratch, 'types.ts')
    await tool('redocly', 'bundle', 'openapi/openapi.yaml', '-o', bundle)
    await tool('tsx', 'openapi/complete.ts', bundle)
    compare(bundle, 'openapi/bundle.json', 'npm run gen:openapi')
    await tool('openapi-typescript', bundle, '-o', types)
    compare(types, 'openapi/types.ts', 'npm run gen:openapi')
  },
  'generated db types': async () => {
    const types = path.join(scratch, 'db-types.ts')
    await tool('tsx', 'db/generate-types.ts', types)
    compare(types, 'db/types.ts', 'npm run gen:db')
  },
}

const asked = process.argv.slice(2)
const unknown = asked.find((name) => !(name in checks))
if (unknown) {
  console.error(`There is no check "${unknown}"; there are: ${Object.keys(checks).join(', ')}.`)
  process.exit(2)
}
const waiting = Object.entries(checks).filter(([name]) => asked.length === 0 || asked.includes(name))
let failed = 0

async function work() {
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const [name, run] = next
    const began = performance.now()
    const seconds = () => `${((performance.now() - began) / 1000).toFixed(1)} s`
    try {
      await run()
      console.log(`✓ ${name.padEnd(20)} ${seconds()}`)
    } catch (error) {
      failed++
      const lines = error.message.split('\n')
      const shown = lines.length > 60 ? [...lines.slice(0, 60), `… ${lines.length - 60} lines more`] : lines
      console.log([`✗ ${name.padEnd(20)} ${seconds()}`, ...shown.map((line) => `    ${line}`)].join('\n'))
    }
  }
}

await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, work))
rmSync(scratch, { recursive: true, force: true })
console.log(failed === 0 ? 'All checks passed.' : `${failed} of the checks failed.`)
process.exit(failed === 0 ? 0 : 1)
