/**
 * `npm run provider:new <slug> [name] [category]`: lays out a folder that type-checks, with its lines in the registry and
 * in the sandbox. `npm run provider:check <slug>` then says what is left to do.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { skeleton } from './skeleton.ts'

const root = path.resolve(import.meta.dirname, '..')
const categories = ['billing', 'crm', 'analytics', 'support']

function stop(text: string): never {
  console.error(text)
  process.exit(2)
}

/** `two-words` → `twoWords`. */
const camel = (slug: string): string => slug.replace(/-(\w)/g, (_all, letter: string) => letter.toUpperCase())

/** Adds an import and an element to a list such as `[one, other]`. */
function enlist(file: string, imports: string, list: RegExp, element: string): void {
  const place = path.join(root, file)
  const text = readFileSync(place, 'utf8')
  const [all, before, inside] = list.exec(text) ?? []
  if (all === undefined || before === undefined || inside === undefined)
    stop(`${file} looks different than expected: add "${element}" by hand.`)
  const firstImport = text.indexOf('import ')
  const changed = text.replace(all, `${before}[${inside}, ${element}]`)
  writeFileSync(place, changed.slice(0, firstImport) + imports + changed.slice(firstImport))
}

const [
  slug = '',
  name = slug.replace(
    /(^|-)(\w)/g,
    (_all, dash: string, letter: string) => (dash ? ' ' : '') + letter.toUpperCase(),
  ),
  category = 'crm',
] = process.argv.slice(2)
if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(slug))
  stop(
    'Which provider? npm run provider:new <slug> [name] [category]; a slug is lower-case letters, digits and hyphens.',
  )
if (!categories.includes(category)) stop(`The category is one of ${categories.join(', ')}.`)
const folder = path.join(root, 'providers', slug)
if (existsSync(folder)) stop(`providers/${slug} is there already.`)
mkdirSync(folder, { recursive: true })
for (const [file, text] of Object.entries(skeleton({ slug, name, category, camel: camel(slug) })))
  writeFileSync(path.join(folder, file), text)
enlist(
  'providers/registry.ts',
  `import { ${camel(slug)} } from './${slug}/index.ts'\n`,
  /(export const providers = )\[([^\]]*)\]/,
  camel(slug),
)
enlist(
  'sandbox/simulators.ts',
  `import { ${camel(slug)}Simulator } from '../providers/${slug}/simulator.ts'\n`,
  /(export const simulators: readonly Simulator\[\] = )\[([^\]]*)\]/,
  `${camel(slug)}Simulator`,
)
execFileSync(
  path.join(root, 'node_modules', '.bin', 'prettier'),
  ['--write', '--log-level=warn', `providers/${slug}`, 'providers/registry.ts', 'sandbox/simulators.ts'],
  { cwd: root, stdio: 'inherit' },
)
console.log(`providers/${slug} is laid out. What is left to do: npm run provider:check ${slug}`)
