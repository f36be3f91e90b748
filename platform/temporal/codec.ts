/**
 * Encrypts what passes through Temporal: inputs, results, heartbeats, failure texts, summaries, schedule inputs, memos.
 * Not encrypted, because Temporal itself reads them: ids, types, queues, search attributes, failure types.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import { METADATA_ENCODING_KEY, ValueError, type Payload, type PayloadCodec } from '@temporalio/common'
import proto from '@temporalio/proto'
import { randomBytesPooled } from '../random-bytes.ts'
import type { KeyRing } from '../secrets/keyring.ts'

const encoding = 'binary/encrypted'
const keyIdField = 'encryption-key-id'
const ivBytes = 12
const tagBytes = 16

const text = (bytes: Uint8Array | null | undefined): string =>
  bytes ? Buffer.from(bytes).toString('utf8') : ''

/**
 * AES-256-GCM with a key derived from the key ring's, so that a payload's key opens nothing else. The namespace and the
 * key's id are authenticated: a payload moved from another namespace does not open. Decoding takes every key of the ring
 * and leaves payloads that are not encrypted as they are: a workflow may be started by hand without the codec.
 */
export function createCodec(ring: KeyRing, namespace: string): PayloadCodec {
  const keys = new Map<string, Buffer>()
  const keyOf = (id: string): Buffer => {
    let key = keys.get(id)
    if (key) return key
    const base = ring.find(id)
    if (!base)
      throw new ValueError(
        `The payload was encrypted with the key "${id}", which TIELINE_ENCRYPTION_KEYS no longer holds.`,
      )
    key = Buffer.from(hkdfSync('sha256', base, '', 'tieline/temporal-payload', 32))
    keys.set(id, key)
    return key
  }
  const associated = (id: string): Buffer => Buffer.from(JSON.stringify([namespace, id]))

  const encrypt = (payload: Payload): Payload => {
    const { id } = ring.current
    const iv = randomBytesPooled(ivBytes)
    const cipher = createCipheriv('aes-256-gcm', keyOf(id), iv).setAAD(associated(id))
    const plain = proto.temporal.api.common.v1.Payload.encode(payload).finish()
    const sealed = Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    return {
      metadata: { [METADATA_ENCODING_KEY]: Buffer.from(encoding), [keyIdField]: Buffer.from(id) },
      data: sealed,
    }
  }

  const decrypt = (payload: Payload): Payload => {
    if (!isEncrypted(payload)) return payload
    const id = text(payload.metadata?.[keyIdField])
    const key = keyOf(id)
    const sealed = Buffer.from(payload.data ?? [])
    if (sealed.length < ivBytes + tagBytes) throw new ValueError('The payload is cut short.')
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, ivBytes)).setAAD(associated(id))
    decipher.setAuthTag(sealed.subarray(-tagBytes))
    let plain: Buffer
    try {
      plain = Buffer.concat([decipher.update(sealed.subarray(ivBytes, -tagBytes)), decipher.final()])
    } catch {
      throw new ValueError('The payload was changed, or belongs to another namespace.')
    }
    return proto.temporal.api.common.v1.Payload.decode(plain)
  }

  return {
    // A payload that is encrypted already (the UI may send one through the codec server twice) is not wrapped again.
    encode: async (payloads) =>
      payloads.map((payload) => (isEncrypted(payload) ? payload : encrypt(payload))),
    decode: async (payloads) => payloads.map(decrypt),
  }
}

const isEncrypted = (payload: Payload): boolean =>
  text(payload.metadata?.[METADATA_ENCODING_KEY]) === encoding

// ---------------------------------------------------------------------------------------- the codec server's form

/** A payload as the codec server's protocol writes it: protobuf JSON, bytes in base64. */
export interface JsonPayload {
  readonly metadata?: Readonly<Record<string, string>>
  readonly data?: string
}

export interface JsonPayloads {
  readonly payloads: readonly JsonPayload[]
}

/** `POST /encode` of a codec server. Throws `ValueError` as the codec does. */
export async function encodePayloads(codec: PayloadCodec, body: JsonPayloads): Promise<JsonPayloads> {
  return { payloads: (await codec.encode(body.payloads.map(fromJson))).map(toJson) }
}

/** `POST /decode` of a codec server. Throws `ValueError` for a payload that does not open. */
export async function decodePayloads(codec: PayloadCodec, body: JsonPayloads): Promise<JsonPayloads> {
  return { payloads: (await codec.decode(body.payloads.map(fromJson))).map(toJson) }
}

const fromJson = ({ metadata, data }: JsonPayload): Payload => ({
  metadata: Object.fromEntries(
    Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value, 'base64')]),
  ),
  data: Buffer.from(data ?? '', 'base64'),
})

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

const toJson = ({ metadata, data }: Payload): JsonPayload => ({
  metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, base64(value)])),
  data: base64(data ?? new Uint8Array()),
})
