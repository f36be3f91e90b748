import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ConfigError, printConfig, readConfig, readServiceConfig } from './config.ts'

const key = `k1:${Buffer.alloc(32, 7).toString('base64')}`

function problemsOf(
  env: Record<string, string>,
  read: (env: Record<string, string>) => unknown = readConfig,
): string[] {
  try {
    read(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n')
    throw error
  }
  return []
}

describe('readConfig', () => {
  it('gives the names and ports of design §8 when nothing is set', () => {
    const config = readConfig({})
    expect(config).toMatchObject({
      environment: 'development',
      host: '127.0.0.1',
      port: 4400,
      temporalPort: 7233,
      temporalUiPort: 8233,
      pgPort: 54329,
      sandboxPort: 4410,
      publicUrl: 'http://127.0.0.1:4400',
      temporalUiUrl: 'http://127.0.0.1:8233',
      taskQueue: 'tieline',
      originMap: {},
    })
    expect(config.databaseUrl).toBeUndefined()
    expect(config.temporal).toBeUndefined()
    expect(path.basename(config.home)).toBe('.tieline')
    expect(Object.isFrozen(config)).toBe(true)
  })

  it('lists every wrong variable with its remedy, and never the value', () => {
    const problems = problemsOf({
      TIELINE_PORT: '44OO',
      DATABASE_URL: 'mysql://root:hunter2@db/x',
      TIELINE_ENCRYPTION_KEYS: 'k1:c2hvcnQ=',
      TIELINE_LOG_LEVEL: 'loud',
      TIELINE_ORIGIN_MAP: '["https://api.example.com"]',
      TEMPORAL_ADDRESS: 'https://temporal.example.com',
    })
    expect(problems.map((line) => line.split(' ')[0]).sort()).toEqual([
      'DATABASE_URL',
      'TEMPORAL_ADDRESS',
      'TIELINE_ENCRYPTION_KEYS',
      'TIELINE_LOG_LEVEL',
      'TIELINE_ORIGIN_MAP',
      'TIELINE_PORT',
    ])
    expect(problems.join()).toContain('TIELINE_PORT should be a port number from 1 to 65535')
    expect(problems.join()).not.toMatch(/hunter2|c2hvcnQ|44OO/)
  })

  it('takes an empty variable as not set', () => {
    expect(readConfig({ DATABASE_URL: '', TIELINE_PORT: ' ' })).toMatchObject({
      port: 4400,
      databaseUrl: undefined,
    })
  })

  it('refuses two parts on one port', () => {
    expect(problemsOf({ TIELINE_PORT: '5000', TIELINE_SANDBOX_PORT: '5000' })).toEqual([
      'TIELINE_SANDBOX_PORT should differ from TIELINE_PORT: both are 5000',
    ])
  })

  it('reads the Temporal service from the variables of the SDK, API key and all', () => {
    const { temporal } = readConfig({
      TEMPORAL_ADDRESS: 'tieline.abc.tmprl.cloud:7233',
      TEMPORAL_NAMESPACE: 'tieline.abc',
      TEMPORAL_API_KEY: 'secret-key',
    })
    expect(temporal).toMatchObject({ address: 'tieline.abc.tmprl.cloud:7233', namespace: 'tieline.abc' })
    expect(temporal?.connection).toMatchObject({ apiKey: 'secret-key', tls: true })
  })

  it('reads the origin map as JSON and as a file, and refuses it in production', () => {
    const map = {
      'https://*.example.com': 'http://127.0.0.1:4410/example/',
      'https://api.example.com': 'http://127.0.0.1:1',
    }
    const read = {
      'https://*.example.com': 'http://127.0.0.1:4410/example',
      'https://api.example.com': 'http://127.0.0.1:1',
    }
    const folder = mkdtempSync(path.join(tmpdir(), 'tieline-config-'))
    try {
      const file = path.join(folder, 'map.json')
      writeFileSync(file, JSON.stringify(map))
      expect(readConfig({ TIELINE_ORIGIN_MAP: JSON.stringify(map) }).originMap).toEqual(read)
      expect(readConfig({ TIELINE_ORIGIN_MAP: file }).originMap).toEqual(read)
      expect(problemsOf({ TIELINE_ORIGIN_MAP: file, NODE_ENV: 'production' })).toEqual([
        'TIELINE_ORIGIN_MAP should not be set when NODE_ENV is production',
      ])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe('readServiceConfig', () => {
  it('names what a process that runs alone is missing', () => {
    const missing = problemsOf({ DATABASE_URL: 'postgres://a:b@localhost/x' }, readServiceConfig)
    expect(missing.map((line) => line.split(' ')[0])).toEqual([
      'TEMPORAL_ADDRESS',
      'TIELINE_ADMIN_TOKEN',
      'TIELINE_ENCRYPTION_KEYS',
    ])
  })
})

describe('printConfig', () => {
  it('masks every secret (INV-6)', () => {
    const config = readConfig({
      DATABASE_URL: 'postgres://tieline:hunter2@localhost:5432/x',
      TIELINE_ADMIN_TOKEN: 'adm_0123456789abcdef01234567',
      TIELINE_ENCRYPTION_KEYS: key,
      TEMPORAL_ADDRESS: 'localhost:7233',
      TEMPORAL_API_KEY: 'secret-key',
    })
    const printed = JSON.stringify(printConfig(config))
    expect(printed).not.toMatch(/hunter2|0123456789abcdef|secret-key/)
    expect(printed).not.toContain(key)
    expect(printed).toContain('postgres://tieline:[redacted]@localhost:5432/x')
  })
})
