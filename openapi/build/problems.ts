/** What a problem looks like, for each of the shared answers (`responses.yaml`). */

interface Telling {
  readonly code: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly more?: object
}

const telling: Readonly<Record<string, Telling>> = {
  BadRequest: {
    ...{ code: 'InvalidInput', title: 'The request is not valid', status: 400 },
    detail: 'limit must be <= 200.',
    more: { errors: [{ in: 'query', pointer: '/limit', detail: 'must be <= 200' }] },
  },
  Unauthenticated: {
    ...{ code: 'Unauthenticated', title: 'Who is calling is not known', status: 401 },
    detail: 'The API key has expired.',
  },
  NotPermitted: {
    ...{ code: 'NotPermitted', title: 'The caller may not do this', status: 403 },
    detail: 'This needs the permission "writes.write".',
  },
  NotFound: {
    ...{ code: 'NoSuchThing', title: 'There is no such thing', status: 404 },
    detail: 'There is no connection "con_01KAT0000000000000000000AA".',
  },
  Conflict: {
    ...{ code: 'AlreadyRunning', title: 'A run is already under way', status: 409 },
    detail: 'The connection is being synced already.',
    more: { runId: 'run_01KAT0000000000000000000AA' },
  },
  PreconditionFailed: {
    ...{ code: 'PreconditionFailed', title: 'The thing has changed since it was read', status: 412 },
    detail: 'It has changed since you read it: read it again.',
  },
  Refused: {
    ...{ code: 'Invalid', title: 'The provider refused the content', status: 422 },
    detail: 'Zendesk: description cannot be blank.',
  },
  TooManyRequests: {
    ...{ code: 'TooManyRequests', title: 'Too many requests', status: 429 },
    detail: 'The limit of 600 requests a minute is reached.',
    more: { retryAt: '2026-11-23T20:00:12.000Z' },
  },
  Unavailable: {
    ...{ code: 'TemporalUnavailable', title: 'Temporal does not answer', status: 503 },
    detail: 'Temporal does not answer. Try again in a moment.',
  },
}

export function problemExample(name: string): object {
  const one = telling[name] ?? {
    ...{ code: 'Internal', title: 'Something in the hub is broken', status: 500 },
    detail: 'Something in the hub is broken. The log of the API has the details, by the request id.',
  }
  const { code, title, status, detail, more } = one
  return {
    type: `urn:tieline:problem:${code.replace(/(?<=[a-z])[A-Z]/g, (letter) => `-${letter}`).toLowerCase()}`,
    ...{ title, status, detail },
    instance: 'urn:tieline:request:req_01KAT0000000000000000000AA',
    code,
    requestId: 'req_01KAT0000000000000000000AA',
    ...more,
  }
}
