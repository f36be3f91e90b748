// The `tieline` command from a checkout: `npm run -s tieline -- <command>`. Plain JavaScript, so that it can say what is
// missing before any package is there.
import process from 'node:process'
import { requireNode } from './install.mjs'
import { runCli } from './run-cli.mjs'

requireNode()
await runCli(process.argv.slice(2))
