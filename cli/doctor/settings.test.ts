import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { readServiceConfig } from '../../platform/config.ts'
import { newKeyRingText } from '../../platform/secrets/keyring.ts'
import { checkOrigins } from './machine.ts'
import { hubEnvironment } from './settings.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tieline-doctor-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const embedded = (sandbox: string | null) => {
  const hub = {
    ...{
      pid: 1,
      startedAt: '2026-11-29T00:00:00Z',
      api: 'http://127.0.0.1:4400',
      temporalUi: 'http://127.0.0.1:8233',
    },
    ...{ temporalAddress: '127.0.0.1:7233', temporalNamespace: 'default', control: '/tmp/none', parts: {} },
    ...{ databaseUrl: 'postgres://tieline@127.0.0.1:54329/tieline', sandbox },
  }
  writeFileSync(path.join(folder, 'hub.json'), JSON.stringify(hub))
  const secrets = {
    encryptionKeys: newKeyRingText(),
    adminToken: 'adm_0123456789abcdef0123456789',
    postgresPassword: 'secret',
  }
  writeFileSync(path.join(folder, 'secrets.json'), JSON.stringify(secrets))
  return readServiceConfig(hubEnvironment({ TIELINE_HOME: folder }))
}

describe('the hub of this directory', () => {
  it('is looked at with the secrets and addresses that it made, and with its sandbox', () => {
    const config = embedded('http://127.0.0.1:4410')
    expect(config.databaseUrl).toBe('postgres://tieline:secret@127.0.0.1:54329/tieline')
    expect(checkOrigins(config)).toMatchObject({
      state: 'look',
      detail: expect.stringMatching(/^Calls to \d+ origins go elsewhere/) as string,
    })
  })

  it('calls the real services where it has no sandbox', () => {
    expect(checkOrigins(embedded(null))).toMatchObject({ state: 'ok' })
  })

  it('is left alone where the environment names a database', () => {
    const env = { TIELINE_HOME: folder, DATABASE_URL: 'postgres://elsewhere/db' }
    expect(hubEnvironment(env)).toEqual(env)
  })
})
