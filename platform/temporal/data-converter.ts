/** The one data converter of clients and workers: everything through the codec, failure texts included. */
import path from 'node:path'
import type { DataConverter } from '@temporalio/common'
import type { KeyRing } from '../secrets/keyring.ts'
import { createCodec } from './codec.ts'

/** Also built into the workflow bundle (`workers/bundle.ts`). */
export const failureConverterPath = path.join(import.meta.dirname, 'failure-converter.cjs')

/** @param namespace is part of what is authenticated: use the one that the client or worker works in. */
export function createDataConverter(ring: KeyRing, namespace: string): DataConverter {
  return { failureConverterPath, payloadCodecs: [createCodec(ring, namespace)] }
}
