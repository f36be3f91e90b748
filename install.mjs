// Brings node_modules in step with package-lock.json. Plain JavaScript without packages: it runs before they are there.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'

const root = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname)
const stamp = path.join(root, 'node_modules', '.tieline-installed')

/** Ends with one line when this Node is too old for the hub. */
export function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  console.error(
    `Tieline needs Node 20.19 or newer; this is ${process.versions.node}. Install it and try again.`,
  )
  process.exit(2)
}

/** Runs `npm ci` with its progress shown when packages are missing or the lock file has changed since. */
export function installPackages() {
  const lock = readFileSync(path.join(root, 'package-lock.json'))
  const wanted = createHash('sha256').update(lock).update(process.versions.modules).digest('hex')
  const found = existsSync(stamp) ? readFileSync(stamp, 'utf8') : undefined
  if (found === wanted) return
  if (isInstalled(lock)) return void writeFileSync(stamp, wanted)
  console.error(
    found ? 'package-lock.json has changed: installing packages …' : 'Installing packages (once) …',
  )
  const began = Date.now()
  // A lock file written where the registry lacks a platform's optional packages is refused by `npm ci`; what it does name is
  // installed from it all the same.
  if (!npm('ci') && !npm('install', '--no-save')) {
    console.error(
      'The packages could not be installed (see above). Check the network or the registry, then try again.',
    )
    process.exit(1)
  }
  writeFileSync(stamp, wanted)
  console.error(`Packages installed in ${Math.round((Date.now() - began) / 1000)} s.`)
}

function npm(...args) {
  const command = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  return (
    spawnSync(command, [...args, '--no-fund', '--no-audit'], { cwd: root, stdio: ['ignore', 2, 2] })
      .status === 0
  )
}

/** True when npm itself has already installed exactly this lock file (someone ran `npm ci` by hand). */
function isInstalled(lock) {
  try {
    const hidden = JSON.parse(
      readFileSync(path.join(root, 'node_modules', '.package-lock.json'), 'utf8'),
    ).packages
    const wanted = JSON.parse(lock.toString('utf8')).packages
    return Object.entries(wanted).every(
      ([name, { version, optional }]) => name === '' || optional || hidden[name]?.version === version,
    )
  } catch {
    return false
  }
}
