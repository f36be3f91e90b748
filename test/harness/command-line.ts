/** The command line as a user runs it: a process of its own that talks to a test's API. */
import { execFile } from 'node:child_process'
import path from 'node:path'
import { adminToken } from './api.ts'

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface CommandLine {
  (...args: string[]): Promise<Ran>
  /** With something on its standard input. */
  readonly given: (input: string, ...args: string[]) => Promise<Ran>
  /** What it prints with `--json`. @throws Error with what it said when it failed. */
  readonly json: <T>(...args: string[]) => Promise<T>
}

const cwd = path.resolve(import.meta.dirname, '../..')

export function commandLine(apiUrl: string): CommandLine {
  const env = { ...process.env, TIELINE_API: apiUrl, TIELINE_ADMIN_TOKEN: adminToken, NODE_OPTIONS: '' }
  const given = (input: string, ...args: string[]): Promise<Ran> =>
    new Promise((resolve) => {
      const child = execFile(process.execPath, ['tieline.mjs', ...args], { env, cwd }, (error, out, err) =>
        resolve({ code: error ? Number(error.code ?? 1) : 0, out, err }),
      )
      child.stdin?.end(input)
    })
  const json = async <T>(...args: string[]): Promise<T> => {
    const { code, out, err } = await given('', '--json', ...args)
    if (code !== 0) throw new Error(`${args.join(' ')}: ${err}`)
    return JSON.parse(out) as T
  }
  return Object.assign((...args: string[]) => given('', ...args), { given, json })
}
