/**
 * The query language, read from text: `select * | count(*) | columns from E where P op V and … orderby P desc, … startposition N
 * maxresults M` (data-queries page, read 2026-11-23). What it does not know is refused in the parser's own words.
 */
import { entities, isEntity, unused, type EntityName } from './simulator-entities.ts'
import { invalidQuery, unparsable } from './simulator-faults.ts'

export type Operator = '=' | '<' | '>' | '<=' | '>=' | 'in' | 'like'

export interface Condition {
  readonly property: string
  readonly operator: Operator
  readonly values: readonly string[]
}

export interface Query {
  readonly what: 'all' | 'count' | readonly string[]
  /** undefined: a kind of object that this company has none of. */
  readonly entity: EntityName | undefined
  readonly entityName: string
  readonly conditions: readonly Condition[]
  readonly order: readonly { readonly property: string; readonly isDown: boolean }[]
  /** Begins at 1. */
  readonly start: number
  readonly size: number
}

interface Token {
  readonly kind: 'word' | 'number' | 'text' | 'sign' | 'end'
  readonly text: string
  readonly column: number
}

/** Operators, then words with dots, numbers, and texts in single quotes with backslash escapes. */
const lexeme =
  /\s*(?:(?<word>[A-Za-z_][\w.]*)|(?<number>-?\d+(?:\.\d+)?)|'(?<text>(?:[^'\\]|\\.)*)'|(?<sign><=|>=|[=<>(),*]))/y

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  const rest = () => text.slice(at).trim()
  while (rest() !== '') {
    lexeme.lastIndex = at
    const match = lexeme.exec(text)
    if (!match) {
      const column = text.length - text.slice(at).trimStart().length + 1
      const bad = text.charAt(column - 1)
      throw unparsable(
        `Invalid content. Lexical error at line 1, column ${column}.  Encountered: "${bad}" (${bad.charCodeAt(0)}), after : ""`,
      )
    }
    const [kind, found] = (Object.entries(match.groups ?? {}).find(([, value]) => value !== undefined) ?? [
      'sign',
      '',
    ]) as [Exclude<Token['kind'], 'end'>, string]
    const plain = kind === 'text' ? found.replace(/\\(.)/g, '$1') : found
    tokens.push({ kind, text: plain, column: at + match[0].length - found.length + 1 })
    at = lexeme.lastIndex
  }
  return [...tokens, { kind: 'end', text: '<EOF>', column: text.length + 1 }]
}

const defaultSize = 100
const largest = 1000

/** @throws Refused with code 4000 or 4001. */
export function parseQuery(text: string): Query {
  if (text.trim() === '') throw unparsable('The query provided was empty')
  const tokens = tokensOf(text.trim().replace(/;$/, ''))
  let at = 0
  const end: Token = { kind: 'end', text: '<EOF>', column: 0 }
  const peek = (): Token => tokens[at] ?? end
  const next = (): Token => tokens[at++] ?? end
  const fail = (expected: string): never => {
    const { text: found, column, kind } = peek()
    const shown = kind === 'word' ? `" <IDENTIFIER> "${found} ""` : `"${found}"`
    throw unparsable(
      `Encountered ${shown} at line 1, column ${column}.\nWas expecting one of:\n    ${expected} ...`,
    )
  }
  const isWord = (word: string) => peek().kind === 'word' && peek().text.toLowerCase() === word
  const accept = (word: string): boolean => isWord(word) && next() !== undefined
  const sign = (wanted: string): boolean =>
    peek().kind === 'sign' && peek().text === wanted && next() !== undefined
  const word = (expected: string): string => (peek().kind === 'word' ? next().text : fail(expected))
  const whole = (expected: string): number =>
    peek().kind === 'number' ? Number(next().text) : fail(expected)
  const value = (): string =>
    ['word', 'number', 'text'].includes(peek().kind) ? next().text : fail('<STRING>')

  if (!accept('select')) fail('"select"')
  const what = readWhat()
  if (!accept('from')) fail('"from"')
  const entityName = word('<ENTITY>')
  const conditions: Condition[] = []
  if (accept('where'))
    do conditions.push(readCondition())
    while (accept('and'))
  if (isWord('or')) fail('<AND>')
  const order = readOrder()
  const start = accept('startposition') ? whole('<NUMBER>') : 1
  const size = accept('maxresults') ? whole('<NUMBER>') : defaultSize
  if (peek().kind !== 'end') fail('<EOF>')
  if (size > largest) throw invalidQuery(`value ${size} is too large. Max allowed value is ${largest}.`)
  if (size < 1 || start < 0) throw invalidQuery(`value ${size < 1 ? size : start} is too small.`)
  return checked({ what, entityName, conditions, order, start: Math.max(1, start), size })

  function readWhat(): Query['what'] {
    if (sign('*')) return 'all'
    const first = word('"*"')
    if (first.toLowerCase() === 'count' && sign('(')) {
      if (!sign('*') || !sign(')')) fail('"*"')
      return 'count'
    }
    const columns = [first]
    while (sign(',')) columns.push(word('<IDENTIFIER>'))
    return columns.some((one) => one === '*') ? 'all' : columns
  }

  function readCondition(): Condition {
    const property = word('<IDENTIFIER>')
    if (accept('in')) {
      if (!sign('(')) fail('"("')
      const values = [value()]
      while (sign(',')) values.push(value())
      if (!sign(')')) fail('")"')
      return { property, operator: 'in', values }
    }
    if (accept('like')) return { property, operator: 'like', values: [value()] }
    const operator = (['<=', '>=', '<', '>', '='] as const).find((one) => sign(one))
    return operator ? { property, operator, values: [value()] } : fail('"="')
  }

  function readOrder(): Query['order'] {
    if (!accept('orderby')) {
      if (!accept('order')) return []
      if (!accept('by')) fail('"by"')
    }
    const order: { property: string; isDown: boolean }[] = []
    do {
      const property = word('<IDENTIFIER>')
      const isDown = accept('desc')
      if (!isDown) accept('asc')
      order.push({ property, isDown })
    } while (sign(','))
    return order
  }
}

/** Names as the entity writes them; queries may write `Metadata` for `MetaData`. */
function checked(query: Omit<Query, 'entity'>): Query {
  const { entityName } = query
  if (!isEntity(entityName)) {
    if (!unused.includes(entityName) && !['CompanyInfo', 'Preferences'].includes(entityName))
      throw invalidQuery(`Entity ${entityName} is not valid.`)
    return { ...query, entity: undefined }
  }
  const known = ['Id', 'MetaData.CreateTime', 'MetaData.LastUpdatedTime', ...entities[entityName].queryable]
  const proper = (property: string): string => {
    const found = known.find((one) => one.toLowerCase() === property.toLowerCase())
    if (found === undefined) throw invalidQuery(`property '${property}' is not queryable`)
    return found
  }
  return {
    ...query,
    entity: entityName,
    conditions: query.conditions.map((one) => ({ ...one, property: proper(one.property) })),
    order: query.order.map((one) => ({ ...one, property: proper(one.property) })),
  }
}
