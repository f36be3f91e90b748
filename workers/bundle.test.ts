import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import * as workflows from '../workflows/index.ts'
import { workflowBundle } from './bundle.ts'

describe('the workflow bundle', () => {
  let cacheDir: string
  const logger = { log: ignore, trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore }

  beforeAll(async () => {
    cacheDir = await mkdtemp(path.join(tmpdir(), 'tieline-bundle-'))
  })
  afterAll(() => rm(cacheDir, { recursive: true, force: true }))

  it('holds every workflow and the failure converter, and nothing that opens connections', async () => {
    const old = path.join(cacheDir, 'workflows-old.js')
    await writeFile(old, '')
    await utimes(old, 0, 0)
    const { code } = await workflowBundle({ cacheDir, logger })
    for (const name of Object.keys(workflows)) expect(code).toContain(name)
    expect(code).toContain('failure-converter.cjs')
    for (const stranger of [
      'workflows/client.ts',
      '@temporalio/client',
      '@grpc/grpc-js',
      'node_modules/kysely',
    ]) {
      expect(code.includes(stranger)).toBe(false)
    }
    expect(await readdir(cacheDir)).toEqual([expect.stringMatching(/^workflows-[0-9a-f]{24}\.js$/)])
  })

  it('is built once and read from then on', async () => {
    const [name = ''] = await readdir(cacheDir)
    await writeFile(path.join(cacheDir, name), 'kept')
    expect(await workflowBundle({ cacheDir, logger })).toEqual({ code: 'kept' })
  })

  it('is built also where it cannot be kept', async () => {
    const { code } = await workflowBundle({ cacheDir: '/dev/null/no', logger })
    expect(code.length).toBeGreaterThan(100_000)
  })
})

function ignore(): void {}
