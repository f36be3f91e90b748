/** Schemas as partners see them: without fields that are the hub's own affair, in words that fit. */
import { adapted, internalFields, rewordings } from './partner-table.ts'

export type Tree = Record<string, unknown>
interface OperationTree extends Tree {
  operationId: string
  tags: string[]
  summary: string
  description?: string
}
export interface Item {
  parameters?: unknown[]
  get?: OperationTree
  post?: OperationTree
  put?: OperationTree
  patch?: OperationTree
  delete?: OperationTree
}

const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const reworded = (text: string): string =>
  rewordings.reduce((now, [pattern, instead]) => now.replace(pattern, instead), text)

export class PartnerSchemas {
  readonly #read: (file: string) => Tree
  readonly #files = new Map<string, Tree>()
  readonly #differing = new Map<string, boolean>()
  readonly #made = new Map<string, Tree>()

  constructor(read: (file: string) => Tree) {
    this.#read = read
  }

  /** What stands in a file of paths, its references led to schemas of partners where those differ. */
  rewritten<T>(value: T, file: string): T {
    return this.#rewrite(value, (reference) => this.#ofPaths(reference, file)) as T
  }

  made(): Tree {
    return Object.fromEntries([...this.#made].sort(([a], [b]) => a.localeCompare(b)))
  }

  #file(name: string): Tree {
    let tree = this.#files.get(name)
    if (!tree) this.#files.set(name, (tree = this.#read(name)))
    return tree
  }

  #rewrite(value: unknown, lead: (reference: string) => string): unknown {
    if (typeof value === 'string') return reworded(value)
    if (Array.isArray(value)) return value.map((one) => this.#rewrite(one, lead))
    if (!isTree(value)) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => [
        key,
        key === '$ref' && typeof one === 'string' ? lead(one) : this.#rewrite(one, lead),
      ]),
    )
  }

  /** A reference in a file of paths, to the file of schemas of partners where it differs. */
  #ofPaths(reference: string, file: string): string {
    const [, schemaFile, name] = /^\.\.\/(schemas\/\w+\.yaml)#\/(\w+)$/.exec(reference) ?? []
    if (reference.startsWith('#/')) throw new Error(`${file}: ${reference} cannot be led on`)
    if (schemaFile === undefined || name === undefined || !this.#differs(schemaFile, name)) return reference
    this.#make(schemaFile, name)
    return `../schemas/partner.yaml#/${partnerName(name)}`
  }

  #target(reference: string, file: string): readonly [string, string] {
    const [place = '', name = ''] = reference.split('#/')
    return [place === '' ? file : `schemas/${place}`, name]
  }

  /** Whether a schema, or one that it holds, says something else to partners. */
  #differs(file: string, name: string): boolean {
    const key = `${file}#${name}`
    const known = this.#differing.get(key)
    if (known !== undefined) return known
    this.#differing.set(key, false)
    const schema = this.#file(file)[name]
    const text = JSON.stringify(schema)
    const differs =
      name in adapted ||
      reworded(text) !== text ||
      internalFields.some((field) => text.includes(`"${field}":`)) ||
      [...text.matchAll(/"\$ref":"([^"]+)"/g)].some(([, reference = '']) =>
        this.#differs(...this.#target(reference, file)),
      )
    this.#differing.set(key, differs)
    return differs
  }

  #make(file: string, name: string): void {
    const own = partnerName(name)
    if (this.#made.has(own)) return
    this.#made.set(own, {})
    const lead = (reference: string): string => {
      const [to, target] = this.#target(reference, file)
      if (!this.#differs(to, target)) return `${to.replace('schemas/', '')}#/${target}`
      this.#make(to, target)
      return `#/${partnerName(target)}`
    }
    const { omit = [], require = [] } = adapted[name] ?? {}
    const schema = this.#rewrite(this.#file(file)[name], lead)
    this.#made.set(own, without(schema, [...internalFields, ...omit], require) as Tree)
  }
}

const partnerName = (name: string): string => `Partner${name}`

/** A schema without fields of these names, however deep. */
function without(value: unknown, fields: readonly string[], required: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((one) => without(one, fields, []))
  if (!isTree(value)) return value
  const made: Tree = {}
  for (const [key, one] of Object.entries(value)) {
    if (key === 'properties' && isTree(one))
      made[key] = Object.fromEntries(
        Object.entries(one).flatMap(([name, schema]) =>
          fields.includes(name) ? [] : [[name, without(schema, fields, [])]],
        ),
      )
    else if (key === 'required' && Array.isArray(one))
      made[key] = [...(one as unknown[]).filter((name) => !fields.includes(String(name))), ...required]
    else if (key === 'examples' && Array.isArray(one))
      made[key] = one.map((example) => withExample(example, fields, required))
    else made[key] = without(one, fields, [])
  }
  if (required.length > 0 && !Array.isArray(value['required'])) made['required'] = [...required]
  return made
}

function withExample(example: unknown, fields: readonly string[], required: readonly string[]): unknown {
  if (!isTree(example)) return example
  const kept = Object.entries(example).filter(([name]) => !fields.includes(name))
  const added = required.includes('accountId') ? { accountId: 'acc_00000000000000000000000000' } : {}
  return { ...Object.fromEntries(kept), ...added }
}
