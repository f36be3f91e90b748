/**
 * The common models: one shape per kind of object, whatever the provider. A mapped record has exactly these fields (all
 * optional but `id`), plus `custom` for fields that a connection's mapping adds and `zones`, which keeps for each time that
 * was not given in UTC the offset or zone it was given in. `openapi/schemas/models.yaml` is generated from here.
 */
import type { Model } from './fields.ts'
import { analytics } from './models-analytics.ts'
import { billing } from './models-billing.ts'
import { crm } from './models-crm.ts'
import { support } from './models-support.ts'

export type { FieldType, Model } from './fields.ts'

/** By category of providers. */
export const modelsByCategory = { billing, crm, support, analytics } as const

export const models = { ...billing, ...crm, ...support, ...analytics } as const satisfies Record<
  string,
  Model
>
export type ModelName = keyof typeof models

export function isModelName(text: string): text is ModelName {
  return Object.hasOwn(models, text)
}
