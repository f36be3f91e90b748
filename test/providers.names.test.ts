/**
 * A provider is one folder and one line: no other file mentions it by name. Documentation, tests, benches and settings
 * (the templates of automations among them) excepted.
 */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { providers } from '../providers/registry.ts'
import type { Provider } from '../providers/contract.ts'

const root = path.resolve(import.meta.dirname, '..')
const left = /^(node_modules|\.git|\.tieline|test|bench|automations|openapi)$/
const code = /\.(ts|mjs|cjs|js|css|html|json)$/
/** The registry, its twin for simulators, and what lists packages. */
const lists = ['providers/registry.ts', 'sandbox/simulators.ts', 'package.json', 'package-lock.json']
const folders = (providers as readonly Provider[]).map(({ slug }) => `providers/${slug}`)

function filesOf(folder: string): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const file = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) return left.test(entry.name) || folders.includes(file) ? [] : filesOf(file)
    return code.test(file) && !/\.test\.ts$/.test(file) && !lists.includes(file) ? [file] : []
  })
}

describe.each((providers as readonly Provider[]).map((provider) => [provider.name, provider] as const))(
  '%s',
  (_name, { slug, name }) => {
    it('is named in its own folder and the registry only', () => {
      const names = new RegExp(
        `\\b(${[slug, name].map((one) => one.replace(/[^\w]/g, '\\W?')).join('|')})`,
        'i',
      )
      const found = filesOf('').flatMap((file) =>
        readFileSync(path.join(root, file), 'utf8')
          .split('\n')
          .flatMap((line, index) =>
            names.test(line) ? [`${file}:${index + 1}: ${line.trim().slice(0, 100)}`] : [],
          ),
      )
      expect(found).toEqual([])
    })
  },
)
