import path from 'node:path'

/** TIELINE_HOME, or `.tieline` in the checkout. Read without the rest of the settings: `status` must work when those are wrong. */
export function homeFolder(env: NodeJS.ProcessEnv): string {
  return path.resolve(env['TIELINE_HOME'] ?? path.join(import.meta.dirname, '..', '.tieline'))
}
