/** The hub's API as the command line calls it: where it is, the token, and problems turned into clear lines. */
import { createHub, type Answered, type Hub, type Schemas } from '../client/index.ts'
import { messageOf } from '../platform/errors.ts'
import { CliError } from './cli-error.ts'
import { readHubFile, readSecrets } from './up/home.ts'
import { homeFolder } from './home-folder.ts'

export type { Schemas } from '../client/index.ts'
export type Api = Hub

export interface GlobalOptions {
  readonly api?: string
  readonly token?: string
  readonly json?: boolean
}

/**
 * Where the API is and who we are: the options, then TIELINE_API and TIELINE_ADMIN_TOKEN, then what `tieline up` has left
 * in TIELINE_HOME.
 */
export function openApi(options: GlobalOptions, env: NodeJS.ProcessEnv = process.env): Api {
  const folder = homeFolder(env)
  const baseUrl = options.api ?? env['TIELINE_API'] ?? readHubFile(folder)?.api
  const token = options.token ?? env['TIELINE_ADMIN_TOKEN'] ?? readSecrets(folder)?.adminToken
  if (baseUrl === undefined) {
    throw new CliError(
      `No hub runs from ${folder}. Start one with "npm start", or name one with --api or TIELINE_API.`,
      1,
    )
  }
  if (token === undefined)
    throw new CliError('The hub asks for an admin token: give it with --token or TIELINE_ADMIN_TOKEN.', 2)
  // Who sits before a screen would rather be told than wait for long.
  return createHub({ baseUrl, token, retries: 2, longestWaitMs: 3_000 })
}

/** The answer's body. @throws CliError with the problem's own words; exit code 2 where the input was wrong. */
export async function need<T>(call: Promise<Answered<T>>): Promise<T> {
  let answer: Answered<T>
  try {
    answer = await call
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    throw new CliError(
      `The hub does not answer (${messageOf(cause)}). Is it running? "tieline status" tells.`,
    )
  }
  if (answer.response.ok) return answer.data as T
  throw problemError(answer.error, answer.response.status)
}

function problemError(body: unknown, status: number): CliError {
  const problem = typeof body === 'object' && body !== null ? (body as Partial<Schemas['Problem']>) : {}
  const fields = (problem.errors ?? []).map((field) => `\n  ${field.pointer}: ${field.detail}`).join('')
  const text = problem.detail ?? problem.title ?? `The hub answered with status ${status}.`
  return new CliError(`${text}${fields}`, status === 400 || status === 404 || status === 422 ? 2 : 1)
}

interface Page<T> {
  readonly items: readonly T[]
  readonly nextCursor: string | null
}

/** Reads pages until `limit` items are there or the list ends. */
export async function collect<T>(
  limit: number,
  page: (cursor: string | undefined, limit: number) => Promise<Page<T>>,
): Promise<T[]> {
  const items: T[] = []
  let cursor: string | undefined
  do {
    const next = await page(cursor, Math.min(200, limit - items.length))
    items.push(...next.items)
    cursor = next.nextCursor ?? undefined
  } while (cursor !== undefined && items.length < limit)
  return items
}
