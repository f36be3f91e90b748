import { spawnSync } from 'node:child_process'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')

/** The command as a user runs it, in a home where no hub is. */
function tieline(...args: string[]) {
  const env = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    TIELINE_HOME: '/nonexistent/tieline-home',
  }
  const { status, stdout, stderr } = spawnSync(process.execPath, ['tieline.mjs', ...args], {
    cwd: root,
    env,
    encoding: 'utf8',
    timeout: 60_000,
  })
  return { status, stdout, stderr }
}

describe('the command line', () => {
  it('shows help with examples and exit codes', () => {
    const help = tieline('--help')
    expect(help).toMatchObject({ status: 0, stderr: '' })
    for (const word of [
      'sync|sync:third-party-data',
      'runs',
      'connections',
      'records',
      'serve',
      'Examples:',
      'Exit codes: 0 done, 1 failed, 2 bad input, 3 partly failed',
    ])
      expect(help.stdout).toContain(word)
    expect(tieline('sync', '--help').stdout).toContain('$ tieline sync <service> --dry-run')
  })

  it.each([
    ['an unknown command', ['snyc']],
    ['an unknown option', ['sync', '--forse']],
    ['a value out of range', ['runs', 'list', '--limit', '0', '--api', 'http://127.0.0.1:9', '--token', 'x']],
    [
      'options that exclude each other',
      ['sync', '--force', '--full', '--api', 'http://127.0.0.1:9', '--token', 'x'],
    ],
    ['an unknown part', ['serve', 'wroker']],
    ['a file that is no proof', ['runs', 'proof', '--file', 'package.json']],
  ])('refuses %s with one clear line and exit code 2', (_what, args) => {
    const { status, stderr } = tieline(...args)
    expect([status, stderr]).toEqual([2, expect.not.stringMatching(/\n\s+at /) as string])
    expect(stderr.trim()).not.toBe('')
  })

  it('says what to do when no hub runs, or does not answer', () => {
    expect(tieline('sync')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('Start one with "npm start"') as string,
    })
    expect(tieline('runs', 'list', '--api', 'http://127.0.0.1:9', '--token', 'x')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('does not answer') as string,
    })
    const status = tieline('status', '--json')
    expect(status.status).toBe(1)
    expect(JSON.parse(status.stdout)).toMatchObject({ ready: false, api: null })
  })
})
