/** An OpenID Connect provider as small as it can be, over real HTTP: strict about code, PKCE, app and redirect. */
import { createHash, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

export interface OidcTestProvider {
  readonly issuer: string
  /** Who signs in next, and what of the token is other than it should be. */
  claims: Record<string, string | boolean>
  close(): Promise<void>
}

export async function startOidcProvider(
  port: number,
  app: { clientId: string; clientSecret: string },
): Promise<OidcTestProvider> {
  const issuer = `http://127.0.0.1:${port}`
  const { publicKey, privateKey } = await generateKeyPair('RS256')
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }
  const codes = new Map<string, URLSearchParams>()
  const provider = {
    issuer,
    claims: {} as Record<string, string | boolean>,
    close: () => new Promise<void>((done) => server.close(() => done())),
  }
  const tokenFor = (asked: URLSearchParams): Promise<string> =>
    new SignJWT({ nonce: asked.get('nonce'), ...provider.claims })
      .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
      .setIssuer(String(provider.claims['iss'] ?? issuer))
      .setSubject('someone')
      .setAudience(String(provider.claims['aud'] ?? app.clientId))
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey)
  const server = createServer((request, response) => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
    const url = new URL(request.url ?? '', issuer)
    if (url.pathname === '/.well-known/openid-configuration')
      return answer(200, {
        ...{ issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` },
        ...{ jwks_uri: `${issuer}/jwks`, id_token_signing_alg_values_supported: ['RS256'] },
      })
    if (url.pathname === '/jwks') return answer(200, { keys: [jwk] })
    if (url.pathname === '/authorize') {
      const code = randomUUID()
      codes.set(code, url.searchParams)
      const back = new URL(url.searchParams.get('redirect_uri') ?? '')
      back.search = new URLSearchParams({ code, state: url.searchParams.get('state') ?? '' }).toString()
      response.writeHead(302, { location: back.href }).end()
      return
    }
    let text = ''
    request.setEncoding('utf8').on('data', (chunk) => (text += String(chunk)))
    request.on('end', () => {
      const form = new URLSearchParams(text)
      const asked = codes.get(form.get('code') ?? '')
      codes.delete(form.get('code') ?? '')
      const challenge = createHash('sha256')
        .update(form.get('code_verifier') ?? '')
        .digest('base64url')
      // Form-encoded inside, as RFC 6749 has it.
      const given = Buffer.from((request.headers.authorization ?? '').replace(/^Basic /, ''), 'base64')
      const [id = '', secret = ''] = given.toString('utf8').split(':').map(decodeURIComponent)
      const isApp = id === app.clientId && secret === app.clientSecret
      if (!asked || challenge !== asked.get('code_challenge') || !isApp)
        return answer(400, { error: 'invalid_grant' })
      void tokenFor(asked).then((id_token) =>
        answer(200, { access_token: 'unused', token_type: 'Bearer', expires_in: 60, id_token }),
      )
    })
  })
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done))
  return provider
}
