/**
 * Style sheets that partners write, made harmless: parsed by css-tree, held to a list of what is allowed, and written anew from the tree. What
 * does not pass is named with its place; nothing is dropped silently. The result holds for what is inside `.branded` only, can load nothing but
 * images of the partner, and can neither hide, move nor replace what the page says.
 */
import * as csstree from 'css-tree'
import type { CssNode, Declaration, FunctionNode, Rule } from 'css-tree'

export interface CssProblem {
  readonly line: number
  readonly detail: string
}

export interface CheckedCss {
  /** Scoped and written anew; `url("asset:<id>")` is as it was. */
  readonly css: string
  readonly assets: readonly string[]
  readonly problems: readonly CssProblem[]
}

const limitBytes = 32 * 1024

const properties =
  /^(?:color|background(?:-(?:color|image|size|position|repeat|clip|origin))?|border(?:-(?:top|right|bottom|left|block|inline|block-start|block-end|inline-start|inline-end))?(?:-(?:color|style|width))?|border(?:-(?:top|bottom|start|end)-(?:left|right|start|end))?-radius|border-collapse|box-shadow|text-shadow|padding(?:-(?:top|right|bottom|left|block|inline|block-start|block-end|inline-start|inline-end))?|margin(?:-(?:top|right|bottom|left|block|inline|block-start|block-end|inline-start|inline-end))?|gap|row-gap|column-gap|font-(?:weight|style|size|variant|feature-settings|stretch)|letter-spacing|word-spacing|line-height|text-(?:align|transform|decoration|decoration-color|decoration-style|decoration-thickness|underline-offset|wrap)|outline(?:-(?:color|style|width|offset))?|accent-color|caret-color|list-style-type|transition(?:-(?:property|duration|timing-function|delay))?|justify-content|align-items)$/

const functions =
  /^(?:rgba?|hsla?|hwb|oklch|oklab|lab|lch|color-mix|var|linear-gradient|radial-gradient|conic-gradient|repeating-linear-gradient|cubic-bezier|steps)$/i
const pseudoClasses =
  /^(?:hover|focus|focus-visible|focus-within|active|disabled|enabled|checked|required|optional|invalid|valid|first-child|last-child|only-child|first-of-type|last-of-type|nth-child|not|is|where|lang|dir)$/i
const mediaFeatures =
  /^(?:(?:min-|max-)?(?:width|height)|prefers-color-scheme|prefers-contrast|prefers-reduced-motion|orientation|hover|pointer)$/i
const units = /^(?:px|rem|em|ch|ex|s|ms|deg|turn|fr)$/i

/** The page's own colours, by the names they have there. */
const variable =
  /^--(?:ground|card|text|quiet|line|field|field-line|accent|accent-text|accent-hover|link|focus|good|good-ground|bad|bad-ground|note|note-ground)$/

/** What `font-size`, `line-height` and spaces may be, in multiples of the letter's size; a px counts a sixteenth. */
const largest = 12
const smallestFont = 0.75

export function checkCss(source: string): CheckedCss {
  const problems: CssProblem[] = []
  const assets = new Set<string>()
  const complain = (line: number, detail: string): void => {
    if (problems.length < 20) problems.push({ line, detail })
  }
  if (Buffer.byteLength(source) > limitBytes)
    return { css: '', assets: [], problems: [{ line: 1, detail: `is larger than ${limitBytes} bytes` }] }
  // Escapes spell what the lists below look for in another way; nothing that is allowed needs one.
  const forbidden = /[\\\0]|<!--|-->|<\//.exec(source)
  if (forbidden) {
    const line = source.slice(0, forbidden.index).split('\n').length
    return {
      css: '',
      assets: [],
      problems: [{ line, detail: `"${forbidden[0].replace('\0', 'NUL')}" is not allowed` }],
    }
  }
  const tree = csstree.parse(source, {
    positions: true,
    parseCustomProperty: true,
    onParseError: (error) => complain(error.line, `cannot be read: ${error.message}`),
  })
  check(tree, complain, assets)
  if (problems.length > 0) return { css: '', assets: [...assets], problems }
  csstree.walk(tree, (node: CssNode) => {
    if (node.type === 'Rule') scope(node)
  })
  return { css: csstree.generate(tree), assets: [...assets], problems }
}

type Complain = (line: number, detail: string) => void

/** Inside `.branded`, whatever the selector says. */
function scope({ prelude }: Rule): void {
  if (prelude.type !== 'SelectorList') return
  for (const selector of prelude.children) {
    if (selector.type !== 'Selector') continue
    selector.children.unshift({ type: 'Combinator', name: ' ' })
    selector.children.unshift({ type: 'ClassSelector', name: 'branded' })
  }
}

function check(tree: CssNode, complain: Complain, assets: Set<string>): void {
  csstree.walk(tree, function (this: csstree.WalkContext, node: CssNode) {
    const line = node.loc?.start.line ?? 1
    switch (node.type) {
      case 'Atrule':
        if (node.name.toLowerCase() !== 'media' || !node.block || this.rule)
          complain(line, `@${node.name} is not allowed; only @media around rules is`)
        return
      case 'Feature':
        if (!mediaFeatures.test(node.name)) complain(line, `(${node.name}) is not allowed in @media`)
        return
      case 'Rule':
        if (this.rule && this.rule !== node) complain(line, 'rules inside of rules are not allowed')
        return
      case 'Raw':
        complain(line, `"${node.value.trim().slice(0, 40)}" cannot be read`)
        return
      case 'Declaration':
        checkDeclaration(node, complain)
        return
      case 'Url': {
        const [, id] = /^asset:(ast_[0-9A-Z]{26})$/.exec(node.value) ?? []
        if (id === undefined) complain(line, 'url() takes an image of yours only: url("asset:ast_…")')
        else assets.add(id)
        return
      }
      case 'Function':
        checkFunction(node, line, complain)
        return
      default:
        checkLeaf(node, line, complain)
    }
  })
}

function checkFunction(node: FunctionNode, line: number, complain: Complain): void {
  if (!functions.test(node.name)) complain(line, `${node.name}() is not allowed`)
  if (node.name.toLowerCase() !== 'var') return
  const [first] = node.children.toArray()
  if (first?.type !== 'Identifier' || !variable.test(first.name))
    complain(line, 'var() takes the colours of the page only, such as var(--accent)')
}

const selectors: readonly string[] = [
  'TypeSelector',
  'ClassSelector',
  'PseudoClassSelector',
  'Combinator',
  'Nth',
  'AnPlusB',
]
const leaves: readonly string[] = [
  ...[
    'StyleSheet',
    'Block',
    'SelectorList',
    'Selector',
    'Value',
    'AtrulePrelude',
    'MediaQueryList',
    'MediaQuery',
    'Condition',
  ],
  ...[
    'Identifier',
    'Number',
    'Percentage',
    'Dimension',
    'Hash',
    'Operator',
    'Parentheses',
    'Ratio',
    'Comment',
    'FeatureRange',
    'WhiteSpace',
    'DeclarationList',
    'String',
    ...selectors,
  ],
]

function checkLeaf(node: CssNode, line: number, complain: Complain): void {
  if (!leaves.includes(node.type)) return complain(line, `${node.type} is not allowed`)
  if (
    node.type === 'TypeSelector' &&
    /^(?:html|body|head|script|link|meta|iframe|object|embed)$|\|/i.test(node.name)
  )
    return complain(line, `the selector "${node.name}" is not allowed`)
  if (node.type === 'PseudoClassSelector' && !pseudoClasses.test(node.name))
    return complain(line, `:${node.name} is not allowed`)
  if (node.type === 'Combinator' && !/^[ >+~]$/.test(node.name))
    return complain(line, `the combinator "${node.name}" is not allowed`)
  if (node.type === 'Dimension' && !units.test(node.unit))
    complain(line, `the unit "${node.unit}" is not allowed`)
}

/** What hides by being seen through, or by being tiny, is no decoration. */
function checkDeclaration({ property, value, loc }: Declaration, complain: Complain): void {
  const line = loc?.start.line ?? 1
  const name = property.toLowerCase()
  if (!properties.test(name)) return complain(line, `the property "${property}" is not allowed`)
  if (value.type !== 'Value') return complain(line, `the value of "${property}" cannot be read`)
  csstree.walk(value, (node: CssNode) => {
    if (name === 'color' && isSeenThrough(node))
      complain(
        line,
        '"color" takes a name, #rgb, #rrggbb or a colour of the page: text must not be seen through',
      )
    if (node.type === 'String' && name !== 'font-feature-settings')
      complain(line, 'a text in quotes is not allowed here')
    if (!/^(?:background|transition|text-shadow|letter|word|box-shadow)/.test(name) && isNegative(node))
      complain(line, `"${property}" must not be negative`)
    const size = sizeOf(node)
    if (size !== undefined && Math.abs(size) > largest * 16) complain(line, `"${property}" is too large`)
    if (node.type === 'Percentage' && Math.abs(Number(node.value)) > 100 && !name.startsWith('background'))
      complain(line, `"${property}" is too large`)
    if (name === 'font-size' && size !== undefined && size < smallestFont * 16)
      complain(line, `letters must not be smaller than ${smallestFont}rem`)
    if (
      name === 'font-size' &&
      (['Percentage', 'Function', 'Number'].includes(node.type) || isSmallWord(node))
    )
      complain(line, '"font-size" takes a plain length')
    if (/^(?:letter|word)-spacing$|^line-height$/.test(name)) checkSpacing(name, node, complain, line)
  })
}

const isSmallWord = (node: CssNode): boolean => node.type === 'Identifier' && /small/i.test(node.name)

function checkSpacing(name: string, node: CssNode, complain: Complain, line: number): void {
  const size = sizeOf(node)
  if (node.type === 'Function' || node.type === 'Percentage') complain(line, `"${name}" takes a plain length`)
  if (
    name === 'line-height' &&
    ((size !== undefined && size < 16) || (node.type === 'Number' && Number(node.value) < 1))
  )
    complain(line, '"line-height" must be at least 1')
  if (name !== 'line-height' && size !== undefined && (size < -1.6 || size > 16))
    complain(line, `"${name}" is out of bounds`)
}

const isSeenThrough = (node: CssNode): boolean =>
  (node.type === 'Identifier' && node.name.toLowerCase() === 'transparent') ||
  (node.type === 'Hash' && (node.value.length === 4 || node.value.length === 8)) ||
  (node.type === 'Function' && node.name.toLowerCase() !== 'var')

const isNegative = (node: CssNode): boolean =>
  (node.type === 'Number' || node.type === 'Dimension' || node.type === 'Percentage') &&
  Number(node.value) < 0

/** In px, a rem and an em being 16. */
function sizeOf(node: CssNode): number | undefined {
  if (node.type !== 'Dimension') return undefined
  const unit = node.unit.toLowerCase()
  if (unit === 'px') return Number(node.value)
  return ['rem', 'em', 'ch', 'ex'].includes(unit) ? Number(node.value) * 16 : undefined
}
