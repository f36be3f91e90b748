/** The id of a record under /v1: made of the place where it is, so that it stays the same for ever and is found by it. */

export interface RecordPlace {
  readonly connectionId: string
  readonly resource: string
  readonly externalId: string
}

const prefix = 'rec_'

/** `rec_` and, in base64url, `<connection without con_>/<resource>/<id at the provider>`. */
export function recordIdOf({ connectionId, resource, externalId }: RecordPlace): string {
  const text = `${connectionId.replace(/^con_/, '')}/${resource}/${externalId}`
  return prefix + Buffer.from(text, 'utf8').toString('base64url')
}

/** The place that an id names; undefined for text that is none. */
export function placeOfRecord(id: string): RecordPlace | undefined {
  if (!id.startsWith(prefix)) return undefined
  const text = Buffer.from(id.slice(prefix.length), 'base64url').toString('utf8')
  const [, connection, resource, externalId] =
    /^([0-9A-HJKMNP-TV-Z]{26})\/([A-Za-z][A-Za-z0-9_.-]{0,79})\/([^\u0000-\u001f]{1,500})$/u.exec(text) ?? []
  if (connection === undefined || resource === undefined || externalId === undefined) return undefined
  const place = { connectionId: `con_${connection}`, resource, externalId }
  return recordIdOf(place) === id ? place : undefined
}
