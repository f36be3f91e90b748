// `npm run provider:check <slug> [-- jest arguments]`: what every provider must pass against its simulator, and what is
// left to do of it. Exit code 0 only when nothing is.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { installPackages, requireNode } from '../install.mjs'

requireNode()
installPackages()
const root = path.resolve(import.meta.dirname, '..')
const [slug, ...more] = process.argv.slice(2)
if (!slug || !/^[a-z][a-z0-9-]{1,40}$/.test(slug)) {
  console.error('Which provider? npm run provider:check <slug>')
  process.exit(2)
}
if (!existsSync(path.join(root, 'providers', slug))) {
  console.error(`There is no folder providers/${slug}. Lay one out: npm run provider:new ${slug}`)
  process.exit(2)
}

/** Runs a Node program with the kit's environment; resolves to its exit code. */
const run = (...args) =>
  spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', env: { ...process.env, PROVIDER: slug } })
    .status ?? 1

const todo = run('--import', 'tsx', path.join(root, 'provider-kit/todo.ts'), slug)
if (todo === 2) process.exit(1)
const tests = run(
  path.join(root, 'test.mjs'),
  ...more,
  '--testPathPatterns',
  'test/providers\\.(conformance|writing|names)',
  `providers/${slug}/`,
  `test/providers/${slug}-`,
)
console.log(
  tests === 0 && todo === 0
    ? `${slug}: everything holds.`
    : `${slug}: ${tests === 0 ? 'the tests hold' : 'tests fail'}${todo === 0 ? '' : ', and the list above is not empty'}.`,
)
process.exit(tests === 0 && todo === 0 ? 0 : 1)
