/** The workflow code as one file. Built once and kept until a source of it changes: building takes seconds, reading none. */
import { createHash } from 'node:crypto'
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { bundleWorkflowCode, type Logger } from '@temporalio/worker'
import type { Log } from '../platform/log.ts'
import { failureConverterPath } from '../platform/temporal/data-converter.ts'

const root = path.resolve(import.meta.dirname, '..')
const workflowsPath = path.join(root, 'workflows/index.ts')
/**
 * What takes traces through workflows. It is always there, whether or not traces are sent: its interceptors take a few ticks, and where an
 * update and an activity's end come in one task these decide the order of commands. So tracing can be switched at any time (INV-11).
 */
const tracingModule = createRequire(import.meta.url).resolve(
  '@temporalio/interceptors-opentelemetry/lib/workflow-interceptors.js',
)
const sourceRooms = ['workflows', 'model']
const isSource = (name: string): boolean => /^(?!client)[\w-]+\.ts$/.test(name) && !name.endsWith('.test.ts')

export interface WorkflowBundle {
  readonly code: string
}

/**
 * The bundle of this checkout.
 * @param options.cacheDir where to keep it; `node_modules/.cache/tieline` when left out. One that cannot be written to
 *   costs the building at each start, nothing else.
 */
export async function workflowBundle(
  options: {
    readonly cacheDir?: string
    readonly log?: Log
    readonly logger?: Logger
  } = {},
): Promise<WorkflowBundle> {
  const cacheDir = options.cacheDir ?? path.join(root, 'node_modules/.cache/tieline')
  const file = path.join(cacheDir, `workflows-${await fingerprint()}.js`)
  const cached = await readFile(file, 'utf8').catch(() => undefined)
  if (cached !== undefined) return { code: cached }
  const { code } = await bundleWorkflowCode({
    workflowsPath,
    failureConverterPath,
    workflowInterceptorModules: [tracingModule],
    ...(options.logger ? { logger: options.logger } : {}),
  })
  await keep(file, code).catch((err: unknown) =>
    options.log?.debug({ err }, 'the workflow bundle could not be kept'),
  )
  return { code }
}

/** Over the sources of the bundle and the versions of the SDK's packages that are built into it. */
async function fingerprint(): Promise<string> {
  const hash = createHash('sha256')
  for (const room of sourceRooms) {
    for (const name of (await readdir(path.join(root, room))).filter(isSource).sort()) {
      hash.update(`${room}/${name}\0`).update(await readFile(path.join(root, room, name)))
    }
  }
  hash.update(await readFile(failureConverterPath))
  for (const name of ['@temporalio/worker', '@temporalio/interceptors-opentelemetry']) {
    const { version } = createRequire(import.meta.url)(`${name}/package.json`) as { version: string }
    hash.update(`${name}@${version}\0`)
  }
  return hash.digest('hex').slice(0, 24)
}

/** Written aside and renamed: another process never reads half of it. */
async function keep(file: string, code: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true })
  const aside = `${file}.${process.pid}`
  await writeFile(aside, code)
  await rename(aside, file)
  await removeOld(path.dirname(file))
}

/** Bundles of sources that have changed since: a day is more than any process needs to read its own. */
async function removeOld(cacheDir: string): Promise<void> {
  for (const name of await readdir(cacheDir)) {
    const file = path.join(cacheDir, name)
    if (!name.startsWith('workflows-') || Date.now() - (await stat(file)).mtimeMs < 24 * 3600_000) continue
    await rm(file, { force: true })
  }
}
