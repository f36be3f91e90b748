import { readFileSync } from 'node:fs'
import { describedOperations } from './description.ts'

const read = (file: string): string => readFileSync(new URL(file, import.meta.url), 'utf8')

/** Of one path or of several texts: `POST /v1/keys`, `curl -X PUT $HUB/v1/brand …`. Placeholders stand for any segment. */
function namedPaths(text: string): string[] {
  const found = text.match(/\/(?:admin\/)?v1\/[\w/{}<> …-]*[\w}>…]/g) ?? []
  return [...new Set(found.map((path) => path.replace(/<[^>]*>|…|\{\w+\}/g, 'x').split(' ')[0] ?? ''))]
}

const patterns = describedOperations.map(
  ({ path }) => new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`),
)

it.each([
  ['the guide for partners', '../openapi/partner-guide.md'],
  ['the README', '../README.md'],
])('%s names only paths that there are', (_what, file) => {
  const named = namedPaths(read(file))
  expect(named.length).toBeGreaterThan(5)
  expect(named.filter((path) => !patterns.some((pattern) => pattern.test(path)))).toEqual([])
})
