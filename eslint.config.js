import { readdirSync } from 'node:fs'
import tseslint from 'typescript-eslint'

/** The slugs of the providers that exist, read from disk so that a new folder is covered at once. */
const slugs = readdirSync('providers', { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'http')
  .map((entry) => entry.name)

const noSlug = slugs.map((slug) => ({
  selector: `Literal[value='${slug}']`,
  message: `'${slug}' is named only in providers/${slug}, the registry and tests.`,
}))

export default tseslint.config(
  {
    ignores: [
      'node_modules',
      '.tieline',
      'openapi/types.ts',
      'openapi/derived.ts',
      'db/types.ts',
      '**/*.cjs',
    ],
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      // Our objects are closures, not instances: taking a function out of one is safe.
      '@typescript-eslint/unbound-method': 'off',
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true } }],
      'no-restricted-globals': [
        'error',
        { name: 'fetch', message: 'Outbound HTTP goes through providers/http.' },
      ],
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  {
    files: ['**/*.ts'],
    ignores: ['providers/**', 'test/**', 'bench/**', '**/*.test.ts'],
    rules: { 'no-restricted-syntax': ['error', ...noSlug] },
  },
  {
    // A migration is one step of the database, however long: it is read from top to bottom and never changed.
    files: ['db/migrations/**'],
    rules: { 'max-lines': 'off' },
  },
  {
    // Clients of the hub (not of a provider) and tests may call fetch themselves.
    files: ['providers/http/**', 'web/**', 'test/**', 'bench/**', 'cli/**', '**/*.test.ts', 'sandbox/**'],
    rules: { 'no-restricted-globals': 'off' },
  },
  {
    // What jest loads by its default export.
    files: ['test/harness/global-*.ts'],
    rules: { 'no-restricted-exports': 'off' },
  },
)
