/** What goes in and out of the rotations of secrets, and how they are steered. Types and names only. */
import { defineSignal, defineUpdate } from '@temporalio/workflow'
import type { SigningPurpose } from '../model/rotation.ts'

/** One of the two ids. */
export interface RotateWebhookSecretInput {
  readonly connectionId?: string
  readonly endpointId?: string
  /** Which secret of the connection's webhooks; the first one when left out. */
  readonly name?: string
  /** How long both are valid at most, 60 to 2,592,000; 604,800 when left out. */
  readonly graceSeconds?: number
  /** So long without a use, the old one goes, 10 to 604,800; 3,600 when left out. */
  readonly quietSeconds?: number
  readonly startedBy?: string
}

export interface RotateSigningKeyInput {
  readonly purpose: SigningPurpose
  /** How long the new key is published before it signs, 1 to 86,400. */
  readonly publishSeconds?: number
  /** How long the old one is believed after it has signed for the last time, 1 to 86,400. */
  readonly retireSeconds?: number
  readonly startedBy?: string
}

export interface RotateSigningKeysInput {
  readonly purposes?: readonly SigningPurpose[]
  /** Task queue of the hub, where several share a namespace. */
  readonly hub?: string
}

export interface RotateEncryptionKeyInput {
  /** The key that is to go out of use; not the current one. */
  readonly ringKeyId: string
  readonly startedBy?: string
}

export interface RotateClientSecretInput {
  readonly provider: string
  readonly graceSeconds?: number
  readonly startedBy?: string
}

export interface RotationResult {
  readonly rotationId: string
  readonly state: 'done' | 'failed' | 'cancelled'
}

export interface RotateEncryptionKeyResult extends RotationResult {
  readonly rewrapped: number
  readonly schedules: number
}

export interface ExtendRotation {
  readonly seconds: number
}

export interface Extended {
  /** RFC 3339. */
  readonly deadline: string
}

export const endOldUpdate = defineUpdate<RotationResult>('revokeNow')
export const extendUpdate = defineUpdate<Extended, [ExtendRotation]>('extendGrace')
export const takeBackUpdate = defineUpdate<RotationResult>('cancel')
/** A person has done what was asked. */
export const confirmUpdate = defineUpdate<void>('confirm')
/** Something was entered, or shown: look again. */
export const lookAgainSignal = defineSignal('lookAgain')
