// `npm start`: installs what is missing, then runs `tieline up` in this process.
import process from 'node:process'
import { installPackages, requireNode } from './install.mjs'
import { runCli } from './run-cli.mjs'

requireNode()
installPackages()
await runCli(['up', ...process.argv.slice(2)])
