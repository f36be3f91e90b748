import { defaultPayloadConverter, type Payload, type PayloadCodec } from '@temporalio/common'
import { newKeyRingText, parseKeyRing, type KeyRing } from '../secrets/keyring.ts'
import { createCodec, decodePayloads, encodePayloads } from './codec.ts'

const secret = { token: 'marker-5f1c', nested: ['ü', 1, null] }
const payload = defaultPayloadConverter.toPayload(secret)
const keyText = (id: string) => newKeyRingText().replace(/^[^:]+/, id)
const ringOf = (...texts: string[]): KeyRing => parseKeyRing(texts.join(','))

async function roundTrip(
  from: PayloadCodec,
  to: PayloadCodec,
  change?: (sealed: Payload) => Payload,
): Promise<unknown> {
  const [sealed] = await from.encode([payload])
  if (!sealed) throw new Error('nothing was encoded')
  const [opened] = await to.decode([change ? change(sealed) : sealed])
  if (!opened) throw new Error('nothing was decoded')
  return defaultPayloadConverter.fromPayload(opened)
}

describe('the payload codec', () => {
  const ring = ringOf(keyText('k1'))
  const codec = createCodec(ring, 'default')

  it('gives back what it was given, and shows none of it in between', async () => {
    const [sealed] = await codec.encode([payload])
    expect(Buffer.from(sealed?.data ?? []).toString('latin1')).not.toContain('marker')
    expect(Buffer.from(sealed?.metadata?.['encoding'] ?? []).toString()).toBe('binary/encrypted')
    expect(Buffer.from(sealed?.metadata?.['encryption-key-id'] ?? []).toString()).toBe('k1')
    expect(await roundTrip(codec, codec)).toEqual(secret)
  })

  it('never writes the same payload the same way twice', async () => {
    const [a, b] = await codec.encode([payload, payload])
    expect(Buffer.from(a?.data ?? []).equals(Buffer.from(b?.data ?? []))).toBe(false)
  })

  it.each([0, 12, 20, -1])('refuses a payload whose byte %i was flipped', async (at) => {
    const flip = ({ metadata, data }: Payload): Payload => {
      const bytes = Buffer.from(data ?? [])
      const index = at < 0 ? bytes.length + at : at
      bytes.writeUInt8(bytes.readUInt8(index) ^ 1, index)
      return { metadata: metadata ?? {}, data: bytes }
    }
    await expect(roundTrip(codec, codec, flip)).rejects.toThrow('The payload was changed')
  })

  it('refuses a payload from another namespace, cut short, or of a key that is gone', async () => {
    await expect(roundTrip(codec, createCodec(ring, 'other'))).rejects.toThrow('another namespace')
    const cut = (sealed: Payload): Payload => ({
      ...sealed,
      data: (sealed.data ?? new Uint8Array()).subarray(0, 20),
    })
    await expect(roundTrip(codec, codec, cut)).rejects.toThrow('cut short')
    const other = createCodec(ringOf(keyText('k2')), 'default')
    await expect(roundTrip(codec, other)).rejects.toThrow(
      'key "k1", which TIELINE_ENCRYPTION_KEYS no longer holds',
    )
  })

  it('opens what a retired key sealed, and seals with the current one', async () => {
    const old = keyText('k1')
    const rotated = createCodec(ringOf(keyText('k2'), old), 'default')
    expect(await roundTrip(createCodec(ringOf(old), 'default'), rotated)).toEqual(secret)
    const [sealed] = await rotated.encode([payload])
    expect(Buffer.from(sealed?.metadata?.['encryption-key-id'] ?? []).toString()).toBe('k2')
  })

  it('lets through what is not encrypted, and wraps nothing twice', async () => {
    expect(await codec.decode([payload])).toEqual([payload])
    const once = await codec.encode([payload])
    expect(await codec.encode(once)).toEqual(once)
  })

  it('speaks the form of a codec server', async () => {
    const body = {
      payloads: [
        {
          metadata: { encoding: Buffer.from('json/plain').toString('base64') },
          data: Buffer.from('{"a":1}').toString('base64'),
        },
      ],
    }
    const sealed = await encodePayloads(codec, body)
    expect(JSON.stringify(sealed)).not.toContain(body.payloads[0]?.data)
    expect(await decodePayloads(codec, sealed)).toEqual(body)
    expect(await encodePayloads(codec, { payloads: [] })).toEqual({ payloads: [] })
  })
})
