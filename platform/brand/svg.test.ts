import { checkAsset } from './asset.ts'
import { cleanSvg } from './svg.ts'

const svg = (inner: string, attributes = ''): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 120 40" ${attributes}>${inner}</svg>`

describe('an SVG that draws', () => {
  it('comes out as it was, whatever its editor has written into it', () => {
    const {
      svg: clean,
      width,
      height,
      removed,
    } = cleanSvg(
      `<?xml version="1.0"?><!-- Made with an editor --><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">${svg('<defs><linearGradient id="g"><stop offset="0" stop-color="#fff"/></linearGradient><style>.a{fill:url(#g);stroke:#123}</style></defs><g class="a" transform="translate(1 2)"><path d="M0 0L1 1z" fill-rule="evenodd"/><use xlink:href="#g"/></g><text>A &lt; B</text>')}`,
    )
    expect(clean).toBe(
      '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 40"><defs><linearGradient id="g"><stop offset="0" stop-color="#fff"></stop></linearGradient><style>.a{fill:url(#g);stroke:#123}</style></defs><g class="a" transform="translate(1 2)"><path d="M0 0L1 1z" fill-rule="evenodd"></path><use href="#g"></use></g><text>A &lt; B</text></svg>',
    )
    expect([width, height, removed]).toEqual([120, 40, []])
  })
})

const attacks: readonly string[] = [
  svg('<script>alert(1)</script>'),
  svg('<script href="https://evil.example/x.js"/>'),
  svg('<SCRIPT>alert(1)</SCRIPT>'),
  svg('<x:script xmlns:x="http://www.w3.org/2000/svg">alert(1)</x:script>'),
  svg('<h:script xmlns:h="http://www.w3.org/1999/xhtml">alert(1)</h:script>'),
  svg('', 'onload="alert(1)"'),
  svg('<path d="M0 0" onclick="alert(1)" OnMouseOver="alert(1)"/>'),
  svg(
    '<foreignObject><body xmlns="http://www.w3.org/1999/xhtml"><iframe src="javascript:alert(1)"/></body></foreignObject>',
  ),
  svg('<a href="javascript:alert(1)"><path d="M0 0"/></a>'),
  svg('<a xlink:href="  java\tscript:alert(1)"><path d="M0 0"/></a>'),
  svg('<use href="https://evil.example/x.svg#y"/>'),
  svg('<use xlink:href="data:image/svg+xml;base64,AAAA#x"/>'),
  svg('<image href="https://evil.example/pixel.png"/>'),
  svg('<image xlink:href="data:image/png;base64,AAAA"/>'),
  svg('<feImage href="https://evil.example/"/>'),
  svg('<animate attributeName="href" values="javascript:alert(1)"/>'),
  svg('<set attributeName="onclick" to="alert(1)"/>'),
  svg('<style>@import "https://evil.example/x.css";</style>'),
  svg('<style>path{fill:url(https://evil.example/)}</style>'),
  svg('<style>path{background:url(https://evil.example/)}</style>'),
  svg('<style>p\\61th{fill:url(https://evil.example/)}</style>'),
  svg('<style><![CDATA[@font-face{font-family:x;src:url(https://evil.example/)}]]></style>'),
  svg('<path d="M0 0" style="fill:url(https://evil.example/)"/>'),
  svg('<path d="M0 0" style="background:url(https://evil.example/)"/>'),
  svg('<path d="M0 0" fill="url(https://evil.example/#x)"/>'),
  svg('<path d="M0 0" fill="u\\72l(https://evil.example/)"/>'),
  svg('<path d="M0 0" clip-path="url(&quot;//evil.example/&quot;)"/>'),
  svg('<title>&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;</title>'),
  svg('<path id="x&quot; onload=&quot;alert(1)" d="M0 0"/>'),
  svg('<handler type="text/javascript">alert(1)</handler>'),
  svg('<iframe src="https://evil.example/"/>'),
  svg('<desc><![CDATA[</desc><script>alert(1)</script>]]></desc>'),
  svg('<?xml-stylesheet href="https://evil.example/x.css"?>'),
  svg('<link xmlns="http://www.w3.org/1999/xhtml" rel="stylesheet" href="https://evil.example/"/>'),
  svg('<text x="javascript:alert(1)">a</text>'),
]

describe('an SVG that does more', () => {
  it.each(attacks)('keeps nothing of it: %s', (source) => {
    const { svg: clean } = cleanSvg(source)
    expect(clean).not.toMatch(/<(?!\/?(?:svg|path|use|title|desc|style|text)\b)/)
    expect(clean.replace(/xmlns="[^"]*"/, '')).not.toMatch(
      /(?:https?:|\/\/evil|javascript:|data:|@import|@font-face)/i,
    )
    expect(clean).not.toMatch(/<[^>]*\son\w+\s*=\s*"/i)
    // Nothing of what it has become reads differently the next time.
    expect(cleanSvg(clean).svg).toBe(clean)
  })

  it.each([
    ['', 'root element'],
    ['<svg/>', 'namespace'],
    ['<html xmlns="http://www.w3.org/1999/xhtml"/>', 'namespace'],
    [`<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>${svg('&x;')}`, 'entities'],
    [`<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>${svg('&b;')}`, 'entities'],
    [svg('&nbsp;'), 'well-formed'],
    [svg('<g>'), 'well-formed'],
    [svg('<path d="a" d="b"/>'), 'well-formed'],
    [svg('<g>'.repeat(50) + '</g>'.repeat(50)), 'nested'],
    [svg('<g/>'.repeat(5_000)), 'elements'],
    [svg('<use href="#a"/>'.repeat(21)), '<use>'],
  ])('is refused where it is none, or a bomb: %s', (source, why) => {
    expect(() => cleanSvg(source)).toThrow(why)
  })
})

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

describe('a file', () => {
  it('is what its bytes are', () => {
    expect(checkAsset('logo', png)).toMatchObject({ mediaType: 'image/png', width: 1, height: 1 })
    expect(checkAsset('logo', Buffer.from(svg('')))).toMatchObject({ mediaType: 'image/svg+xml', width: 120 })
    const font = Buffer.alloc(64)
    font.write('wOF2', 'latin1')
    font.writeUInt32BE(0x00010000, 4)
    font.writeUInt32BE(64, 8)
    font.writeUInt16BE(3, 12)
    expect(checkAsset('font', font).mediaType).toBe('font/woff2')
    expect(() => checkAsset('font', font.subarray(0, 60))).toThrow('cut off')
  })

  it.each([
    ['a script', Buffer.from('alert(1)'), 'neither'],
    ['HTML', Buffer.from('<!doctype html><script>alert(1)</script>'), 'well-formed|namespace'],
    ['a GIF', Buffer.from('GIF89a'), 'neither'],
    ['the head of a PNG', png.subarray(0, 12), 'cannot be read'],
    ['nothing', Buffer.alloc(0), 'empty'],
    ['too much', Buffer.concat([png, Buffer.alloc(300_000)]), 'bytes'],
    ['a WOFF2 font', Buffer.from('wOF2'), 'neither'],
    ['Latin 1', Buffer.from([0x3c, 0xe4, 0x3e]), 'UTF-8'],
  ])('that is %s is no logo', (_what, bytes, why) => {
    expect(() => checkAsset('logo', bytes)).toThrow(new RegExp(why))
  })
})
