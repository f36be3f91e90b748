import { appMethodsOf } from '../providers/contract.ts'
import { providers } from '../providers/registry.ts'
import { clientSecretSteps } from './client-secret-steps.ts'

const told = (part: 'make' | 'delete', keepsBoth?: boolean | 'unproven', warning?: string): string =>
  clientSecretSteps({
    part,
    rotationId: 'rot_1',
    provider: { slug: 'acme', name: 'Acme' },
    secretChange:
      keepsBoth === undefined
        ? undefined
        : { keepsBoth, where: 'Apps, Keys', source: 'acme.example/keys', ...(warning ? { warning } : {}) },
  }).join('\n')

describe('the steps of a new client secret', () => {
  it('say whether the old one lives on, dies at once, or that nobody knows', () => {
    expect(told('make', true)).toContain('The old one goes on working beside it')
    expect(told('make', false)).toContain('It ends the old one at once (acme.example/keys)')
    for (const text of [told('make', 'unproven'), told('make')]) {
      expect(text).toContain('No source says whether the old one goes on working')
      expect(text).toContain('expect that it ends at once')
    }
  })

  it('say where, how it is entered, and what else there is to know', () => {
    const text = told('make', 'unproven', 'All tokens end with it.')
    expect(text).toContain('at Acme: Apps, Keys.')
    expect(text).toContain('tieline providers app acme')
    expect(text).toContain('All tokens end with it.')
  })

  it('ask to delete only what may still be there', () => {
    expect(told('delete', true)).toMatch(/^Delete the old client secret at Acme\.\n/)
    expect(told('delete', false)).toMatch(/^Acme has ended the old client secret by itself/)
    expect(told('delete', 'unproven')).toContain('if it is still there')
    expect(told('delete', true)).toContain('tieline rotations confirm rot_1')
  })
})

it.each(
  providers.flatMap((provider) =>
    appMethodsOf(provider).map(({ client }) => [provider.slug, client] as const),
  ),
)('%s says what is known of replacing the secret of its app', (_slug, { secretChange }) => {
  expect(secretChange).toMatchObject({ where: expect.stringMatching(/\w{4}/) as string })
  // Only a source makes it more than unproven.
  expect(secretChange?.source).toMatch(/^[a-z0-9.-]+\.[a-z]{2,}/)
})
