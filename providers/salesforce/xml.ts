/**
 * As much XML as a SOAP message needs, read strictly: elements, attributes, namespaces, text, CDATA, comments, the five entities that
 * every document has, characters by number. A document type, any other entity and processing instructions are refused, so nothing in a
 * message can grow, fetch or refer to anything. Takes time in proportion to the message.
 */
import type { HookRequest } from '../contract-webhook.ts'
import { unreadable } from '../hooks/parse.ts'

export interface XmlElement {
  /** Without its prefix. */
  readonly name: string
  readonly namespace: string
  /** As they were written, prefixes included; declarations of namespaces are not among them. */
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly XmlElement[]
  /** Text of its own, that of its children left out. */
  readonly text: string
  /** The namespace that a prefix stands for here. */
  namespaceOf(prefix: string): string | undefined
}

interface Open extends XmlElement {
  readonly written: string
  readonly children: XmlElement[]
  text: string
  readonly scope: ReadonlyMap<string, string>
}

const deepest = 20
const name = '[A-Za-z_][A-Za-z0-9_.-]*'
const tag = new RegExp(`<((?:${name}:)?${name})`, 'y')
const attribute = new RegExp(`\\s+((?:${name}:)?${name})\\s*=\\s*("[^"<]*"|'[^'<]*')`, 'y')
const endOfTag = /\s*(\/?)>/y
const closing = new RegExp(`</((?:${name}:)?${name})\\s*>`, 'y')
const declaration =
  /^<\?xml\s+version\s*=\s*["']1\.\d["'](?:\s+encoding\s*=\s*["']([A-Za-z0-9._-]+)["'])?(?:\s+standalone\s*=\s*["'](?:yes|no)["'])?\s*\?>/
/** What XML 1.0 allows, section 2.2. */
const notAllowed = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u

/** The root of the body. @throws HubError `Invalid`. */
export function xmlOf(request: HookRequest): XmlElement {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(request.body)
  } catch {
    throw unreadable('it is not UTF-8')
  }
  return parseXml(text)
}

/** @throws HubError `Invalid`. */
export function parseXml(written: string): XmlElement {
  if (notAllowed.test(written)) throw unreadable('it has characters that XML does not allow')
  const text = written.replace(/\r\n?/g, '\n')
  const [head = '', encoding = 'utf-8'] = declaration.exec(text) ?? []
  if (encoding.toLowerCase() !== 'utf-8') throw unreadable('its XML says that it is not UTF-8')
  return new Reader(text, head.length).read()
}

class Reader {
  private readonly open: Open[] = []
  private root: XmlElement | undefined
  private at: number
  private readonly text: string

  constructor(text: string, at: number) {
    this.text = text
    this.at = at
  }

  read(): XmlElement {
    while (this.at < this.text.length) {
      if (this.text[this.at] !== '<') this.readText()
      else if (this.text.startsWith('<!--', this.at)) this.skipTo('<!--', '-->')
      else if (this.text.startsWith('<![CDATA[', this.at)) this.add(this.skipTo('<![CDATA[', ']]>'))
      else if (this.text.startsWith('</', this.at)) this.close()
      else this.begin()
    }
    if (!this.root || this.open.length > 0) throw unreadable('its XML ends too early')
    return this.root
  }

  private match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.text)
    if (found) this.at += found[0].length
    return found ?? undefined
  }

  private skipTo(from: string, to: string): string {
    const start = this.at + from.length
    const end = this.text.indexOf(to, start)
    if (end < 0) throw unreadable('its XML ends too early')
    this.at = end + to.length
    return this.text.slice(start, end)
  }

  private readText(): void {
    const next = this.text.indexOf('<', this.at)
    const end = next < 0 ? this.text.length : next
    const found = this.text.slice(this.at, end)
    this.at = end
    this.add(decoded(found))
  }

  private add(text: string): void {
    const inner = this.open.at(-1)
    if (inner) inner.text += text
    else if (text.trim() !== '') throw unreadable('its XML has text outside the root')
  }

  private begin(): void {
    const [, written] = this.match(tag) ?? []
    // `<!DOCTYPE`, `<?…`, `<5`: none of it is needed, some of it is dangerous.
    if (written === undefined) throw unreadable('its XML has something that is neither element nor text')
    const given = new Map<string, string>()
    for (let found = this.match(attribute); found; found = this.match(attribute)) {
      const [, key = '', quoted = ''] = found
      if (given.has(key)) throw unreadable('its XML has an attribute twice')
      given.set(key, decoded(quoted.slice(1, -1)))
    }
    const [, isEmpty] = this.match(endOfTag) ?? []
    if (isEmpty === undefined) throw unreadable('its XML has a tag that does not end')
    const element = elementOf(written, given, this.open.at(-1)?.scope ?? new Map())
    if (this.root && this.open.length === 0) throw unreadable('its XML has several roots')
    if (this.open.length >= deepest) throw unreadable('its XML is too deep')
    this.open.at(-1)?.children.push(element)
    this.root ??= element
    if (isEmpty === '') this.open.push(element)
  }

  private close(): void {
    const [, written] = this.match(closing) ?? []
    if (written === undefined || this.open.pop()?.written !== written)
      throw unreadable('its XML closes another element than it opened')
  }
}

function elementOf(
  written: string,
  given: ReadonlyMap<string, string>,
  outer: ReadonlyMap<string, string>,
): Open {
  const scope = new Map(outer)
  const attributes = new Map<string, string>()
  for (const [key, value] of given)
    if (key === 'xmlns') scope.set('', value)
    else if (key.startsWith('xmlns:')) scope.set(key.slice('xmlns:'.length), value)
    else attributes.set(key, value)
  const [prefix = '', local] = written.includes(':') ? written.split(':') : ['', written]
  const namespace = scope.get(prefix)
  if (prefix !== '' && namespace === undefined)
    throw unreadable('its XML has a prefix that stands for nothing')
  return {
    written,
    name: local ?? '',
    namespace: namespace ?? '',
    attributes,
    children: [],
    text: '',
    scope,
    namespaceOf: (wanted) => scope.get(wanted),
  }
}

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', apos: "'", quot: '"' }

function decoded(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|([a-z]{2,4}));|&/g, (_all, ...parts) => {
    const [decimal, hex, entity] = parts as (string | undefined)[]
    if (entity !== undefined && Object.hasOwn(entities, entity)) return entities[entity] ?? ''
    const code = decimal !== undefined ? Number(decimal) : hex !== undefined ? parseInt(hex, 16) : -1
    const letter = code >= 0 && code <= 0x10ffff ? String.fromCodePoint(code) : ''
    if (letter === '' || notAllowed.test(letter))
      throw unreadable('its XML has an entity that is not allowed')
    return letter
  })
}

const escapes: Readonly<Record<string, string>> = {
  '<': '&lt;',
  '>': '&gt;',
  '&': '&amp;',
  '"': '&quot;',
  "'": '&apos;',
}
export const escaped = (text: string): string => text.replace(/[<>&"']/g, (letter) => escapes[letter] ?? '')
