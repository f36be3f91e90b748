import { targetOf } from './origin-map.ts'

const target = (map: Record<string, string>, base: string, path = '/api/x', query = {}) => {
  const { url, redirectedFrom } = targetOf(map, base, path, query)
  return [url.href, redirectedFrom]
}

describe('the origin map', () => {
  it('sends a call to the real origin where it names none', () => {
    expect(target({}, 'https://acme.example.com')).toEqual(['https://acme.example.com/api/x', undefined])
    expect(
      target({ 'https://other.example.com': 'http://127.0.0.1:1' }, 'https://acme.example.com/base/'),
    ).toEqual(['https://acme.example.com/base/api/x', undefined])
  })

  it('puts a replacement in its place, the prefix of the replacement before that of the base', () => {
    const map = { 'https://acme.example.com': 'http://127.0.0.1:4410/sandbox/' }
    expect(target(map, 'https://acme.example.com/v2', '/x', { a: 'b c' })).toEqual([
      'http://127.0.0.1:4410/sandbox/v2/x?a=b+c',
      'https://acme.example.com',
    ])
  })

  it('takes a star for exactly one label, and an exact name before a star', () => {
    const map = {
      'https://*.example.com': 'http://127.0.0.1:1',
      'https://acme.example.com': 'http://127.0.0.1:2',
      'https://*.example.com:8443': 'http://127.0.0.1:3',
    }
    expect(target(map, 'https://any.example.com')[0]).toBe('http://127.0.0.1:1/api/x')
    expect(target(map, 'https://acme.example.com')[0]).toBe('http://127.0.0.1:2/api/x')
    expect(target(map, 'https://any.example.com:8443')[0]).toBe('http://127.0.0.1:3/api/x')
    expect(target(map, 'https://a.b.example.com')[0]).toBe('https://a.b.example.com/api/x')
    expect(target(map, 'https://example.com')[0]).toBe('https://example.com/api/x')
  })

  it('keeps what is encoded in a path encoded', () => {
    expect(target({}, 'https://a.example.com', '/x/a%2Fb%40c/%2e%2ehidden')[0]).toBe(
      'https://a.example.com/x/a%2Fb%40c/%2e%2ehidden',
    )
  })
})
