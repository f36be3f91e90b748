/** What a credential that does not hold is answered. */
import { edgeFailure } from './problem.ts'

export const refused = (text: string) =>
  edgeFailure('Unauthenticated', text, {
    'WWW-Authenticate': 'Bearer realm="tieline", error="invalid_token"',
  })
