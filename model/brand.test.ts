import fc from 'fast-check'
import { brandHeaders, resolveBrand, type BrandContent, type BrandLink } from './brand.ts'
import { checkBrand } from './brand-check.ts'
import { english, textsIn } from './brand-texts.ts'
import { directionOf, languageTag } from './languages.ts'
import { hostName } from './hosts.ts'

const link = (partnerId: string, content: BrandContent): BrandLink => ({
  ...{ partnerId, partnerName: `Name of ${partnerId}`, version: 1, content },
})

describe('the brand that people see', () => {
  it('takes each field from the nearest partner that has set it', () => {
    const brand = resolveBrand([
      link('child', { colors: { light: { primary: '#111111' } }, texts: { de: { 'step.done': 'Ende' } } }),
      link('parent', {
        support: { email: 'a@b.example' },
        texts: { de: { 'step.done': 'Aus', 'step.test': 'Test' } },
      }),
      link('top', { name: 'Top', colors: { light: { primary: '#222222', text: '#000000' } }, logo: 'ast_1' }),
    ])
    expect(brand).toMatchObject({
      name: 'Top',
      content: {
        logo: 'ast_1',
        colors: { light: { primary: '#111111', text: '#000000' } },
        texts: { de: { 'step.done': 'Ende', 'step.test': 'Test' } },
      },
      sources: {
        name: 'top',
        'colors.light.primary': 'child',
        'colors.light.text': 'top',
        'support.email': 'parent',
        'texts.de.step.test': 'parent',
      },
    })
  })

  it('does not wear the logo or the sender of the partner above under a name of its own', () => {
    const above = link('top', {
      name: 'Top',
      logo: 'ast_1',
      sender: { address: 'a@top.example' },
      legal: { terms: 'https://top.example/' },
    })
    const { name, content } = resolveBrand([link('child', { name: 'Child' }), above])
    expect([name, content.logo, content.sender, content.legal?.terms]).toEqual([
      ...['Child', undefined, undefined, 'https://top.example/'],
    ])
  })

  it('has the name of the partner where nobody has set one', () => {
    expect(resolveBrand([link('child', {}), link('top', {})]).name).toBe('Name of child')
  })
})

describe('headers of a brand', () => {
  it('are ASCII on one line, whatever the name is, and tell it whole', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (name) => {
        for (const value of Object.values(brandHeaders(name))) expect(value).toMatch(/^[ -~]*$/)
        expect(() => new Headers(brandHeaders(name))).not.toThrow()
      }),
    )
    expect(brandHeaders('Café\r\nX-Evil: 1 (Ü)')).toEqual({
      'user-agent': 'Tieline (CafeX-Evil: 1 U)',
      'tieline-brand': 'Caf%C3%A9%0D%0AX-Evil%3A%201%20(%C3%9C)',
    })
    expect(brandHeaders('日本')).toEqual({ 'user-agent': 'Tieline', 'tieline-brand': '%E6%97%A5%E6%9C%AC' })
  })
})

describe('what is set of a brand', () => {
  const pointers = (content: BrandContent) => checkBrand(content).map(({ pointer }) => pointer)

  it.each([
    [{ name: 'A\r\nB' }, '/name'],
    [{ name: 'A\u202eB' }, '/name'],
    [{ name: '  ' }, '/name'],
    [{ name: 'A\ud800' }, ''],
    [{ css: 'a{}\u0000' }, ''],
    [{ sender: { name: 'A\nBcc: x@y.example' } }, '/sender/name'],
    [{ sender: { address: 'a@b.example, c@d.example' } }, '/sender/address'],
    [{ sender: { replyTo: 'a@b\r\n.example' } }, '/sender/replyTo'],
    [{ legal: { terms: 'http://a.example/' } }, '/legal/terms'],
    [{ legal: { privacy: 'javascript:alert(1)' } }, '/legal/privacy'],
    [{ support: { url: 'https://u:p@a.example/' } }, '/support/url'],
    [{ texts: { xx_yy: {} } }, '/texts/xx_yy'],
    [{ texts: { 'de-at': {} } }, '/texts/de-at'],
    [{ texts: { de: { nothing: 'x' } } }, '/texts/de/nothing'],
    [{ texts: { de: { 'done.title': '{account} ist da' } } }, '/texts/de/done.title'],
    [{ defaultLanguage: '!' }, '/defaultLanguage'],
  ] as const)('is refused: %j', (content, pointer) => {
    expect(pointers(content)).toEqual([pointer])
  })

  it('passes when it is as it should be', () => {
    expect(
      checkBrand({
        ...{
          name: 'Łódź & Söhne',
          support: { email: 'help@a.example', url: 'https://a.example/help', phone: '+49 30 1' },
        },
        ...{ defaultLanguage: 'pt-BR', texts: { 'zh-Hant': { 'title.connect': '{provider}' } } },
      }),
    ).toEqual([])
  })
})

describe('texts', () => {
  it('are found through the person’s languages, the brand’s and English, one key at a time', () => {
    const brand = {
      texts: { 'de-AT': { 'step.done': 'Fertig, gell' }, fr: { 'step.test': 'Essai' } },
      defaultLanguage: 'fr',
    }
    const austrian = textsIn(['de-AT', 'en'], brand)
    expect([austrian.language, austrian.t('step.done'), austrian.t('step.test')]).toEqual([
      'de-AT',
      'Fertig, gell',
      'Prüfen',
    ])
    const italian = textsIn(['it'], brand)
    expect([italian.language, italian.t('step.test'), italian.t('step.done')]).toEqual([
      'fr',
      'Essai',
      'Done',
    ])
    expect(textsIn(['pt', 'de-CH']).language).toBe('de')
    expect(textsIn(['not a tag', '*']).language).toBe('en')
  })

  it('put names in once: a name with braces stands as it is', () => {
    expect(textsIn(['en']).t('title.connect', { provider: '{partner}', partner: 'x' })).toBe(
      'Connect {partner}',
    )
    expect(Object.keys(english).length).toBeGreaterThan(50)
  })

  it('know which way a language is written', () => {
    expect(['ar', 'he-IL', 'fa', 'de', 'ks-Deva', 'az-Arab'].map(directionOf)).toEqual([
      'rtl',
      'rtl',
      'rtl',
      'ltr',
      'ltr',
      'rtl',
    ])
    expect(languageTag('x'.repeat(40))).toBeUndefined()
  })
})

describe('a host', () => {
  it.each([
    ['Connect.Example.com:8443', 'connect.example.com'],
    ['example.com.', 'example.com'],
    ['127.0.0.1', undefined],
    ['[::1]:80', undefined],
    ['localhost', undefined],
    ['a..b', undefined],
    ['evil.com/../x.y', undefined],
    ['exa mple.com', undefined],
    ['-a.com', undefined],
    ['ä.example', undefined],
    [`${'a'.repeat(64)}.com`, undefined],
  ])('%s is %s', (text, name) => {
    expect(hostName(text)).toBe(name)
  })
})
