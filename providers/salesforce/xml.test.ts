import fc from 'fast-check'
import { isHubError } from '../../platform/errors.ts'
import { escaped, parseXml, type XmlElement } from './xml.ts'

const refuses = (text: string): void => {
  expect(() => parseXml(text)).toThrow(expect.objectContaining({ code: 'Invalid' }) as Error)
}

describe('XML', () => {
  it('gives names with their namespaces, attributes, text and children', () => {
    const root = parseXml(
      '<?xml version="1.0" encoding="utf-8" standalone="no"?>\r\n<!-- a --><s:a xmlns:s="urn:s" xmlns="urn:d" x=\'1"\'><b s:y="2"/>' +
        '<b xmlns="">t&amp;<c/>&#x20AC;&#8364;<![CDATA[<&]]></b >\r</s:a>\n',
    )
    expect(root).toMatchObject({ name: 'a', namespace: 'urn:s', text: '\n' })
    expect([...root.attributes]).toEqual([['x', '1"']])
    const [first, second] = root.children
    expect(first).toMatchObject({ name: 'b', namespace: 'urn:d', children: [] })
    expect([...(first?.attributes ?? [])]).toEqual([['s:y', '2']])
    expect(second).toMatchObject({ name: 'b', namespace: '', text: 't&€€<&' })
    expect(second?.namespaceOf('s')).toBe('urn:s')
  })

  it('with a document type or entities of its own is refused: nothing grows, nothing is fetched', () => {
    refuses('<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>')
    refuses('<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>')
    refuses('<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><l>&b;</l>')
    refuses('<a><!ENTITY x "y"></a>')
    refuses('<a>&x;</a>')
    refuses('<a>&constructor;</a>')
    refuses('<a b="&nbsp;"/>')
    refuses('<a>a & b</a>')
    refuses('<?xml-stylesheet href="x"?><a/>')
    refuses('<a><?php echo 1 ?></a>')
  })

  it('that is broken is refused', () => {
    for (const text of [
      '',
      'text',
      '<a>',
      '</a>',
      '<a></b>',
      '<a/><b/>',
      '<a/>text',
      '<a b=1/>',
      '<a b="1" b="2"/>',
      '<a b="<"/>',
      '<a b="1"c="2"/>',
      '<p:a/>',
      '<a:b:c xmlns:a="x"/>',
      '< a/>',
      '<a',
      '<a><![CDATA[x</a>',
      '<a><!-- </a>',
      '<a>\u0000</a>',
      '<a>&#0;</a>',
      '<a>&#xD800;</a>',
      '<a>&#x110000;</a>',
      '<?xml version="1.0" encoding="UTF-16"?><a/>',
      ' <?xml version="1.0"?><a/>',
    ])
      refuses(text)
    refuses('<a>'.repeat(21) + '</a>'.repeat(21))
    expect(parseXml('<a>'.repeat(20) + '</a>'.repeat(20)).name).toBe('a')
  })

  it('takes any text through escaping and back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const allowed = [...text].filter(
          (letter) => letter >= ' ' && letter !== '\ufffe' && letter !== '\uffff',
        )
        const whole = allowed.join('')
        const root = parseXml(`<a b="${escaped(whole)}">${escaped(whole)}</a>`)
        return root.text === whole && root.attributes.get('b') === whole
      }),
    )
  })

  it('never fails in another way, whatever comes', () => {
    const piece = fc.constantFrom(
      ...[
        '<',
        '>',
        '/',
        '&',
        ';',
        '"',
        "'",
        '=',
        ' ',
        '!',
        '?',
        '-',
        '[',
        ']',
        ':',
        'a',
        'b',
        'xmlns',
        '#x1',
      ],
      ...['<a>', '</a>', '<![CDATA[', ']]>', '<!--', '-->', '<!DOCTYPE', '&lt;', '<?xml', '\n'],
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        try {
          const root: XmlElement = parseXml(pieces.join(''))
          return root.name !== ''
        } catch (error) {
          return isHubError(error, 'Invalid')
        }
      }),
      { numRuns: 3000 },
    )
  })

  it('takes time in proportion to its length', () => {
    const long = (n: number) => `<a ${' '.repeat(n)}b="${'x'.repeat(n)}">${'<c>&lt;</c>'.repeat(n)}</a>`
    const begun = performance.now()
    expect(parseXml(long(100_000)).children).toHaveLength(100_000)
    refuses(`<a${' b'.repeat(200_000)}`)
    refuses(`<a ${' '.repeat(500_000)}`)
    // Quadratic reading of these takes minutes.
    expect(performance.now() - begun).toBeLessThan(10_000)
  })
})
