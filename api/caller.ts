/** Who is calling, as every layer of a request knows them. */
export interface Caller {
  readonly kind: 'admin'
  /** As the audit chain names it. */
  readonly name: string
}
