import { availableParallelism } from 'node:os'

/** One run, one Postgres and one Temporal server (globalSetup); each file gets its own database. */
const swc = [
  '@swc/jest',
  {
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    module: { type: 'es6' },
    sourceMaps: 'inline',
  },
]

const config = {
  testMatch: ['<rootDir>/**/*.test.ts'],
  modulePathIgnorePatterns: ['<rootDir>/.tieline'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': swc },
  testTimeout: 120_000,
  // Most of a test is waiting for Postgres and Temporal: two files at once on two cores. What modules of ended files leave in memory
  // (thousands of tests, each file with modules of its own) ends with a worker that is replaced.
  maxWorkers: Math.max(2, availableParallelism() - 1),
  workerIdleMemoryLimit: '1500MB',
  globalSetup: '<rootDir>/test/harness/global-setup.ts',
  globalTeardown: '<rootDir>/test/harness/global-teardown.ts',
}

export default config
