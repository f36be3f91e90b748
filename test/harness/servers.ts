/** What global set-up started, handed to the test files through the environment. */
export interface TestServers {
  /** Superuser's URL of the Postgres server; its database is the migrated template. */
  readonly postgresUrl: string
  readonly temporalAddress: string
  readonly temporalNamespace: string
}

const variable = 'TIELINE_TEST_SERVERS'

export function publishServers(servers: TestServers): void {
  process.env[variable] = JSON.stringify(servers)
}

export function testServers(): TestServers {
  const text = process.env[variable]
  if (text === undefined)
    throw new Error('the test servers are not running: start tests with npm test or npx jest')
  return JSON.parse(text) as TestServers
}
