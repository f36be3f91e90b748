/** A request as it is sealed: four bytes of length, its head as JSON, its body byte for byte. */
import type { Db } from './client.ts'
import type { Vault } from './vault.ts'

export interface PackedRequest {
  readonly method: string
  readonly url: string
  /** In the order in which they came, names in lower case. */
  readonly headers: readonly (readonly [string, readonly string[]])[]
  readonly body: Buffer
}

/** Whose key seals it: the account's, or the hub's where the body may belong to several. */
const ownerOf = (accountId: string | null): string => accountId ?? 'hub'
const place = (requestId: string) => ({ table: 'inbox_requests', column: 'sealed', row: requestId })

export async function sealRequest(
  db: Db,
  vault: Vault,
  request: { readonly requestId: string; readonly accountId: string | null },
  { body, ...head }: PackedRequest,
): Promise<Buffer> {
  const packed = Buffer.from(JSON.stringify(head), 'utf8')
  const length = Buffer.alloc(4)
  length.writeUInt32BE(packed.length)
  const plain = Buffer.concat([length, packed, body])
  return await vault.seal(db, ownerOf(request.accountId), place(request.requestId), plain)
}

export async function openRequest(
  db: Db,
  vault: Vault,
  request: { readonly requestId: string; readonly accountId: string | null; readonly sealed: Uint8Array },
): Promise<PackedRequest> {
  const plain = await vault.open(db, ownerOf(request.accountId), place(request.requestId), request.sealed)
  const length = plain.readUInt32BE(0)
  const head = JSON.parse(plain.subarray(4, 4 + length).toString('utf8')) as Omit<PackedRequest, 'body'>
  return { ...head, body: plain.subarray(4 + length) }
}
