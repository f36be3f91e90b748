/** A browser without JavaScript: a cookie jar, links, redirects and forms over real HTTP. */
import { request as httpRequest } from 'node:http'

export interface Page {
  readonly status: number
  readonly url: string
  readonly headers: Headers
  readonly text: string
}

export interface Browser {
  /** Follows redirects within `home`; one that leads elsewhere is answered as it is (`Location` in the headers). */
  open(url: string, headers?: Readonly<Record<string, string>>): Promise<Page>
  /** Sends the page's form whose action ends in `step`, with its hidden fields and `fields`. */
  send(page: Page, step: string, fields?: Readonly<Record<string, string>>): Promise<Page>
  readonly cookies: Map<string, string>
  /** Raw `Set-Cookie` headers, as they came. */
  readonly setCookies: string[]
}

const userAgent = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

/** Asks a name that no DNS knows at the server behind it: `fetch` would not send another `Host`. */
export const namedServer =
  (server: string) =>
  (address: string, init: RequestInit): Promise<Response> =>
    new Promise((resolve, reject) => {
      const url = new URL(address)
      const body = init.body instanceof URLSearchParams ? init.body.toString() : undefined
      const form = body === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' }
      const headers = { ...(init.headers as Record<string, string>), ...form, Host: url.host }
      const options = { method: init.method ?? 'GET', headers }
      const asked = httpRequest(server + url.pathname + url.search, options, (answer) => {
        const parts: Buffer[] = []
        answer.on('data', (part: Buffer) => parts.push(part))
        answer.on('end', () => {
          const told = new Headers()
          for (const [name, values = []] of Object.entries(answer.headersDistinct))
            for (const value of values) told.append(name, value)
          resolve(new Response(Buffer.concat(parts), { status: answer.statusCode ?? 0, headers: told }))
        })
      })
      asked.on('error', reject)
      asked.end(body)
    })

/** @param fetching how a request goes out. */
export function createBrowser(
  home: string,
  fetching: (url: string, init: RequestInit) => Promise<Response> = fetch,
): Browser {
  const cookies = new Map<string, string>()
  const setCookies: string[] = []

  const ask = async (url: string, init: RequestInit): Promise<Page> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { 'User-Agent': userAgent, ...(cookie === '' ? {} : { Cookie: cookie }), ...init.headers }
    const response = await fetching(url, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) {
      setCookies.push(line)
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      cookies.set(name, value)
    }
    const text = await response.text()
    const location = response.headers.get('location')
    const next = location === null ? undefined : new URL(location, url)
    if (response.status !== 303 || !next?.href.startsWith(home))
      return { status: response.status, url, headers: response.headers, text }
    return await ask(next.href, {})
  }

  return {
    cookies,
    setCookies,
    open: (url, headers = {}) => ask(url, { headers }),
    send: (page, step, fields = {}) => {
      const form = formsOf(page.text).find(({ action }) => action.endsWith(step))
      if (!form) throw new Error(`no form leads to ${step}:\n${page.text}`)
      const body = new URLSearchParams({ ...form.hidden, ...fields })
      return ask(new URL(form.action, page.url).href, { method: 'POST', body })
    },
  }
}

function formsOf(text: string): { readonly action: string; readonly hidden: Record<string, string> }[] {
  return [...text.matchAll(/<form[^>]*action="([^"]*)"[^>]*>([\s\S]*?)<\/form>/g)].map(
    ([, action = '', inner = '']) => ({
      action,
      hidden: Object.fromEntries(
        [...inner.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)].map(
          ([, name = '', value = '']) => [name, value],
        ),
      ),
    }),
  )
}
