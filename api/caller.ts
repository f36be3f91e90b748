/** Who is calling, as every layer of a request knows them. */
import type { Permission, Role } from '../model/permissions.ts'

export interface Caller {
  /** `admin`: the hub's own token. `person`: signed in. `key`: a partner's program, by API key or a token got with it. */
  readonly kind: 'admin' | 'person' | 'key'
  /** As the audit chain names it: `admin`, `person:per_…`, `key:key_…`. */
  readonly name: string
  readonly permissions: ReadonlySet<Permission>
  /** Sees itself and what is below it. Null: the whole hub. */
  readonly partnerId: string | null
  readonly role?: Role
  /** Of a key: test keys reach only connections to the sandbox. */
  readonly mode?: 'live' | 'test'
  readonly keyId?: string
  readonly personId?: string
  readonly personSessionId?: string
}
