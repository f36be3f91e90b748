/**
 * SVG images that partners upload, made harmless. A real XML parser (saxes: well-formed or nothing, no entities of a document's own) reads it, and
 * what is on the lists below is written anew from the events; nothing of the source is copied. Chosen over DOMPurify, whose server side needs a
 * whole DOM (jsdom, or linkedom, whose parser differs from browsers'): an image needs no more than drawing, so that a list of what may be is
 * shorter and safer than a list of what may not. What is served is held by a policy of its own besides (`api/brands/assets.ts`).
 */
import * as csstree from 'css-tree'
import { SaxesParser, type SaxesTagNS } from 'saxes'

export interface CleanSvg {
  readonly svg: string
  /** What was left out, for who uploaded it. */
  readonly removed: readonly string[]
  readonly width: number | undefined
  readonly height: number | undefined
}

const svgNamespace = 'http://www.w3.org/2000/svg'
const xlinkNamespace = 'http://www.w3.org/1999/xlink'
const limits = { elements: 4_000, depth: 40, uses: 20 } as const

const elements: ReadonlySet<string> = new Set([
  ...['svg', 'g', 'defs', 'symbol', 'use', 'title', 'desc', 'style'],
  ...['path', 'rect', 'circle', 'ellipse', 'line', 'polyline', 'polygon', 'text', 'tspan'],
  ...['linearGradient', 'radialGradient', 'stop', 'clipPath', 'mask', 'pattern', 'marker'],
])

const attributes: ReadonlySet<string> = new Set([
  ...[
    'id',
    'class',
    'style',
    'transform',
    'd',
    'points',
    'x',
    'y',
    'x1',
    'x2',
    'y1',
    'y2',
    'cx',
    'cy',
    'r',
    'rx',
    'ry',
  ],
  ...[
    'fx',
    'fy',
    'fr',
    'dx',
    'dy',
    'rotate',
    'width',
    'height',
    'viewBox',
    'preserveAspectRatio',
    'version',
    'pathLength',
  ],
  ...[
    'offset',
    'gradientUnits',
    'gradientTransform',
    'spreadMethod',
    'clipPathUnits',
    'maskUnits',
    'maskContentUnits',
  ],
  ...[
    'patternUnits',
    'patternContentUnits',
    'patternTransform',
    'markerUnits',
    'markerWidth',
    'markerHeight',
    'refX',
    'refY',
    'orient',
  ],
  ...['textLength', 'lengthAdjust', 'role', 'aria-label', 'aria-hidden', 'focusable'],
])

/** Properties that draw; as attributes, in `style` and in style sheets. */
const drawing: ReadonlySet<string> = new Set([
  ...[
    'fill',
    'fill-opacity',
    'fill-rule',
    'stroke',
    'stroke-width',
    'stroke-opacity',
    'stroke-linecap',
    'stroke-linejoin',
  ],
  ...[
    'stroke-miterlimit',
    'stroke-dasharray',
    'stroke-dashoffset',
    'opacity',
    'color',
    'stop-color',
    'stop-opacity',
  ],
  ...[
    'clip-path',
    'clip-rule',
    'mask',
    'marker-start',
    'marker-mid',
    'marker-end',
    'paint-order',
    'vector-effect',
    'display',
  ],
  ...[
    'visibility',
    'overflow',
    'font-family',
    'font-size',
    'font-weight',
    'font-style',
    'text-anchor',
    'dominant-baseline',
  ],
  ...[
    'letter-spacing',
    'word-spacing',
    'alignment-baseline',
    'baseline-shift',
    'isolation',
    'mix-blend-mode',
    'shape-rendering',
  ],
  ...['text-rendering', 'enable-background', 'writing-mode'],
])

const drawingFunctions = /^(?:rgba?|hsla?|translate|scale|rotate|matrix|skewx|skewy)$/i
const ownReference = /^#[\w.:-]{1,200}$/

/** @throws SvgError with what is wrong, in words for who uploaded it. */
export function cleanSvg(source: string): CleanSvg {
  const writer = createWriter()
  const parser = new SaxesParser({ xmlns: true })
  parser.on('error', (error) => {
    throw new SvgError(`is not well-formed XML: ${error.message.slice(0, 200)}`)
  })
  parser.on('doctype', (doctype) => {
    if (/\[|ENTITY/i.test(doctype)) throw new SvgError('must not declare entities in its DOCTYPE')
  })
  parser.on('opentag', (tag) => writer.open(tag))
  parser.on('closetag', () => writer.close())
  parser.on('text', (text) => writer.text(text))
  parser.on('cdata', (text) => writer.text(text))
  parser.write(source.replace(/^\ufeff/, '')).close()
  return writer.end()
}

export class SvgError extends Error {
  override readonly name = 'SvgError'
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escape = (text: string): string => text.replace(/[&<>"]/g, (sign) => escapes[sign] ?? '')

interface Open {
  readonly name: string
  /** Nothing of it is written, nor of what is in it. */
  readonly isLeftOut: boolean
}

function createWriter() {
  const parts: string[] = []
  const removed = new Set<string>()
  const stack: Open[] = []
  let [count, uses] = [0, 0]
  let css = ''
  let size: Pick<CleanSvg, 'width' | 'height'> = { width: undefined, height: undefined }

  const open = (tag: SaxesTagNS): void => {
    if (++count > limits.elements) throw new SvgError(`has more than ${limits.elements} elements`)
    if (stack.length >= limits.depth) throw new SvgError(`is nested deeper than ${limits.depth}`)
    const name = tag.local
    const isRoot = stack.length === 0
    if (isRoot && (name !== 'svg' || tag.uri !== svgNamespace))
      throw new SvgError(`should be an <svg> of the namespace ${svgNamespace}`)
    const isOut = stack.at(-1)?.isLeftOut ?? false
    const isKnown = tag.uri === svgNamespace && elements.has(name)
    if (!isKnown && !isOut) removed.add(`<${tag.name}>`)
    stack.push({ name, isLeftOut: isOut || !isKnown })
    if (isOut || !isKnown || name === 'style') return
    if (name === 'use' && ++uses > limits.uses)
      throw new SvgError(`uses <use> more than ${limits.uses} times`)
    const kept = attributesOf(tag, removed)
    if (isRoot) size = sizeOf(kept)
    const namespaces = isRoot ? ` xmlns="${svgNamespace}"` : ''
    parts.push(`<${name}${namespaces}${kept.map(([key, value]) => ` ${key}="${escape(value)}"`).join('')}>`)
  }

  const close = (): void => {
    const one = stack.pop()
    if (!one || one.isLeftOut) return
    if (one.name !== 'style') return void parts.push(`</${one.name}>`)
    const clean = cleanSheet(css, removed)
    css = ''
    if (clean !== '') parts.push(`<style>${escape(clean)}</style>`)
  }

  const text = (chunk: string): void => {
    const one = stack.at(-1)
    if (!one || one.isLeftOut) return
    if (one.name === 'style') css += chunk
    else if (/^(?:text|tspan|title|desc)$/.test(one.name)) parts.push(escape(chunk))
  }

  const end = (): CleanSvg => {
    if (count === 0) throw new SvgError('is empty')
    return { svg: parts.join(''), removed: [...removed].slice(0, 50), ...size }
  }
  return { open, close, text, end }
}

type Kept = readonly (readonly [name: string, value: string])[]

function attributesOf(tag: SaxesTagNS, removed: Set<string>): Kept {
  return Object.values(tag.attributes).flatMap((attribute) => {
    const { name, local, uri, value, prefix } = attribute
    if (prefix === 'xmlns' || name === 'xmlns') return []
    const isHref = local === 'href' && (uri === '' || uri === xlinkNamespace)
    const kept = isHref ? hrefOf(tag.local, value) : uri === '' ? valueOf(local, value, removed) : undefined
    if (kept === undefined) {
      removed.add(`${name}=""`)
      return []
    }
    return [[isHref ? 'href' : local, kept] as const]
  })
}

const hrefOf = (element: string, value: string): string | undefined =>
  /^(?:use|linearGradient|radialGradient|pattern)$/.test(element) && ownReference.test(value.trim())
    ? value.trim()
    : undefined

function valueOf(name: string, value: string, removed: Set<string>): string | undefined {
  if (name === 'style') return cleanDeclarations(value, removed)
  if (attributes.has(name))
    return /^[^<>]*$/.test(value) && !/(?:javascript|data|vbscript)\s*:/i.test(value) ? value : undefined
  if (!drawing.has(name)) return undefined
  return cleanValue(value)
}

/** The value, written anew; undefined for one that calls what draws nothing, or reaches outside of the image. */
function cleanValue(value: string): string | undefined {
  if (value.includes('\\')) return undefined
  let isBad = false
  const tree = csstree.parse(value, { context: 'value', onParseError: () => (isBad = true) })
  return isBad || !isDrawing(tree) ? undefined : csstree.generate(tree)
}

function isDrawing(tree: csstree.CssNode): boolean {
  let isGood = true
  csstree.walk(tree, (node: csstree.CssNode) => {
    if (node.type === 'Url' && !ownReference.test(node.value)) isGood = false
    if (node.type === 'Function' && !drawingFunctions.test(node.name)) isGood = false
    if (node.type === 'Raw') isGood = false
  })
  return isGood
}

function cleanDeclarations(source: string, removed: Set<string>): string | undefined {
  if (source.includes('\\')) return undefined
  const tree = csstree.parse(source, { context: 'declarationList', onParseError: () => undefined })
  keepDrawing(tree, removed)
  const clean = csstree.generate(tree)
  return clean === '' ? undefined : clean
}

/** Editors put their classes into style sheets: the rules that draw are kept. */
function cleanSheet(source: string, removed: Set<string>): string {
  if (/[\\\0]|<!--/.test(source)) {
    removed.add('<style>')
    return ''
  }
  const tree = csstree.parse(source, { onParseError: () => undefined })
  csstree.walk(tree, {
    enter(
      node: csstree.CssNode,
      item: csstree.ListItem<csstree.CssNode>,
      list: csstree.List<csstree.CssNode>,
    ) {
      const isBad =
        node.type === 'Atrule' || node.type === 'Raw' || (node.type === 'Rule' && !isPlain(node.prelude))
      if (!isBad || !list) return
      removed.add(node.type === 'Atrule' ? `@${node.name}` : 'a rule of <style>')
      list.remove(item)
    },
  })
  keepDrawing(tree, removed)
  return csstree.generate(tree)
}

function isPlain(prelude: csstree.CssNode): boolean {
  const allowed = ['SelectorList', 'Selector', 'TypeSelector', 'ClassSelector', 'IdSelector', 'Combinator']
  let isGood = true
  csstree.walk(prelude, (node: csstree.CssNode) => {
    if (!allowed.includes(node.type)) isGood = false
  })
  return isGood
}

function keepDrawing(tree: csstree.CssNode, removed: Set<string>): void {
  csstree.walk(tree, {
    visit: 'Declaration',
    enter(
      node: csstree.Declaration,
      item: csstree.ListItem<csstree.CssNode>,
      list: csstree.List<csstree.CssNode>,
    ) {
      if (drawing.has(node.property.toLowerCase()) && node.value.type === 'Value' && isDrawing(node.value))
        return
      removed.add(`${node.property}:`)
      list?.remove(item)
    },
  })
}

function sizeOf(kept: Kept): Pick<CleanSvg, 'width' | 'height'> {
  const find = (name: string) => kept.find(([key]) => key === name)?.[1]
  const [, , boxWidth, boxHeight] = (find('viewBox') ?? '')
    .trim()
    .split(/[\s,]+/)
    .map(Number)
  const side = (given: string | undefined, box: number | undefined): number | undefined => {
    const own = /^\d+(?:\.\d+)?(?:px)?$/.test(given ?? '') ? Number.parseFloat(given ?? '') : undefined
    const found = own ?? box
    return found !== undefined && Number.isFinite(found) && found > 0
      ? Math.max(1, Math.round(found))
      : undefined
  }
  return { width: side(find('width'), boxWidth), height: side(find('height'), boxHeight) }
}
