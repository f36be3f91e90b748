// Runs cli/main.ts in this process: one process fewer between the terminal's Ctrl-C and the hub.
import { existsSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'

const root = import.meta.dirname

/** @param {string[]} args the command line after `tieline` */
export async function runCli(args) {
  if (!existsSync(path.join(root, 'node_modules', 'tsx'))) {
    console.error('Packages are not installed yet: run `npm start` (or `npm ci`) first.')
    process.exit(2)
  }
  const settings = path.join(root, '.env')
  if (existsSync(settings)) process.loadEnvFile(settings)
  const main = path.join(root, 'cli', 'main.ts')
  process.argv = [process.argv[0], main, ...args]
  const { register } = await import('tsx/esm/api')
  register()
  await import(pathToFileURL(main).href)
}
