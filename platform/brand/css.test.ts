import { checkCss } from './css.ts'

const asset = 'ast_01KAT000000000000000000000'

describe('a style sheet that decorates', () => {
  it('is written anew, for the page alone', () => {
    const { css, assets, problems } = checkCss(
      `.button { border-radius: 2rem; background: linear-gradient(90deg, #123456, var(--accent)) }
       main > h1:hover, a { color: var(--accent); letter-spacing: .02em }
       @media (min-width: 30rem) and (prefers-color-scheme: dark) { header { background-image: url("asset:${asset}") } }`,
    )
    expect(problems).toEqual([])
    expect(assets).toEqual([asset])
    expect(css).toBe(
      `.branded .button{border-radius:2rem;background:linear-gradient(90deg,#123456,var(--accent))}.branded main>h1:hover,.branded a{color:var(--accent);letter-spacing:.02em}@media (min-width:30rem) and (prefers-color-scheme:dark){.branded header{background-image:url(asset:${asset})}}`,
    )
  })

  it('scopes also what is inside of a list or a media rule', () => {
    const { css } = checkCss('h1,h2:is(.a,.b){padding:1px}@media (min-width:1px){*{padding:1px}}')
    expect(css).toBe(
      '.branded h1,.branded h2:is(.a,.b){padding:1px}@media (min-width:1px){.branded *{padding:1px}}',
    )
  })
})

const attacks: readonly string[] = [
  '@import "https://evil.example/x.css";',
  '@import url(//evil.example);',
  '@charset "utf-7";',
  '@namespace svg url(http://x);',
  '@font-face { font-family: x; src: url(https://evil.example/x.woff2) }',
  '@supports (display: grid) { a { color: red } }',
  '@layer x { a { color: red } }',
  '@property --x { syntax: "*"; inherits: false }',
  '@keyframes x { from { color: red } }',
  '@container (min-width: 1px) { a { color: red } }',
  'a { background: url(https://evil.example/) }',
  'a { background: url("//evil.example/") }',
  'a { background: url(data:image/svg+xml;base64,AAAA) }',
  'a { background: url(javascript:alert(1)) }',
  'a { background: src("https://evil.example/") }',
  'a { background: image-set("https://evil.example/" 1x) }',
  'a { background: -webkit-image-set(url(https://evil.example/) 1x) }',
  'a { background: cross-fade(url(https://evil.example/), red) }',
  'a { background: element(#x) }',
  'a { background: image(url(x)) }',
  'a { background: \\75rl(https://evil.example/) }',
  'a { background: u\\rl(https://evil.example/) }',
  'a { width: expression(alert(1)) }',
  'a { color: expression(alert(1)) }',
  'a { behavior: url(x.htc) }',
  'a { -moz-binding: url(x.xml#y) }',
  'a { position: fixed }',
  'a { POSITION: absolute }',
  'a { display: none }',
  'a { visibility: hidden }',
  'a { opacity: 0 }',
  'a { z-index: 9999 }',
  'a { transform: scale(0) }',
  'a { clip-path: circle(0) }',
  'a { filter: opacity(0) }',
  'a { content: "Trust us" }',
  'a::before { color: red }',
  'a::after { content: "x" }',
  'input[value^="a"] { color: red }',
  '#field-token { color: red }',
  ':root { --accent: red }',
  'a { --accent: red }',
  'html { background: red }',
  'body { background: red }',
  'a:has(b) { color: red }',
  'a { color: transparent }',
  'a { color: rgba(0,0,0,0) }',
  'a { color: #0000 }',
  'a { color: rgb(0 0 0 / 0) }',
  'a { font-size: 0 }',
  'a { font-size: 1px }',
  'a { font-size: xx-small }',
  'a { font-size: calc(1px * 0) }',
  'a { line-height: 0 }',
  'a { letter-spacing: -9rem }',
  'a { text-indent: -9999px }',
  'a { margin-left: -9999px }',
  'a { margin-left: 9999px }',
  'a { padding: 5000% }',
  'a { padding: 100vh }',
  'a { background: var(--x, url(https://evil.example/)) }',
  'a { color: attr(data-x) }',
  'a { background: env(x) }',
  'a { color: red } </style><script>alert(1)</script>',
  '<!-- a { color: red } -->',
  'a { color: red',
  'a { color: red } } b { color: red }',
  'a { b { color: red } }',
  'a { & b { color: red } }',
  '.x { color: red; { position: fixed } }',
  'a { color: red; ;:; }',
  'a { color: "red" }',
  'a{color:red}\0b{color:red}',
  `a{color:red}${' '.repeat(40_000)}`,
]

describe('a style sheet that does more', () => {
  it.each(attacks.filter((css) => css !== 'a { color: red'))('is refused with its line: %s', (source) => {
    const { css, problems } = checkCss(`\n${source}`)
    expect(problems.length).toBeGreaterThan(0)
    expect(problems[0]?.line).toBeGreaterThan(0)
    expect(css).toBe('')
  })

  it('that was not closed is closed', () => {
    expect(checkCss('a { color: red').css).toBe('.branded a{color:red}')
  })
})
