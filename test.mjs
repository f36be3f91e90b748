// `npm test [-- jest arguments]`: the whole suite, with whatever it needs installed first. TIELINE_TEST_JSON=<file> keeps
// jest's results as JSON.
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import process from 'node:process'
import { installPackages, requireNode } from './install.mjs'

requireNode()
installPackages()
const root = import.meta.dirname
const json = process.env.TIELINE_TEST_JSON
// What a developer has set for a hub must not reach the tests.
const foreign =
  /^(TIELINE_(?!TEST_JSON$|CACHE$)|TEMPORAL_(?!CLI_PATH$|TEST_SERVER_PATH$)|DATABASE_URL$|NODE_OPTIONS$)/
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)))
const done = spawnSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    path.join(root, 'node_modules/jest/bin/jest.js'),
    ...(json ? ['--json', `--outputFile=${path.resolve(json)}`] : []),
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: 'inherit', env },
)
process.exit(done.status ?? 1)
