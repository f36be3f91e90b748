/** What a field of a model may be. Times are RFC 3339 in UTC, dates `YYYY-MM-DD`, money in minor units with its currency. */
export type FieldType =
  'text' | 'number' | 'boolean' | 'time' | 'date' | 'money' | 'texts' | 'object' | 'objects'

export interface ModelField {
  readonly type: FieldType
  readonly meaning: string
  /** Fields of the object, or of each object of the list, where they are known. */
  readonly fields?: Model
}

export type Model = Readonly<Record<string, ModelField>>

export const text = (meaning: string): ModelField => ({ type: 'text', meaning })
export const number = (meaning: string): ModelField => ({ type: 'number', meaning })
export const flag = (meaning: string): ModelField => ({ type: 'boolean', meaning })
export const time = (meaning: string): ModelField => ({ type: 'time', meaning })
export const date = (meaning: string): ModelField => ({ type: 'date', meaning })
export const money = (meaning: string): ModelField => ({ type: 'money', meaning })
export const texts = (meaning: string): ModelField => ({ type: 'texts', meaning })
export const object = (meaning: string, fields?: Model): ModelField => ({
  type: 'object',
  meaning,
  ...(fields ? { fields } : {}),
})
export const objects = (meaning: string, fields?: Model): ModelField => ({
  type: 'objects',
  meaning,
  ...(fields ? { fields } : {}),
})

export const id: ModelField = text("The provider's id")
/** When the provider made and last changed it. */
export const life = {
  createdAt: time('Created at the provider'),
  updatedAt: time('Last change at the provider'),
} as const satisfies Model
