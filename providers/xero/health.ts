import type { HealthCheck } from '../contract.ts'
import type { JsonObject } from '../../model/json.ts'
import { ask, listIn, protocolError, textIn } from './answer.ts'

/** `/Organisation` proves token, organisation and scope at once. */
export const health: HealthCheck = {
  async check(context) {
    const { fields } = await ask(context, 'read', '/Organisation')
    const [organisation] = listIn(fields, 'Organisations')
    if (!organisation) throw protocolError('/Organisation: none')
    const facts: JsonObject = {}
    for (const [name, key] of [
      ['country', 'CountryCode'],
      ['currency', 'BaseCurrency'],
      ['timeZone', 'Timezone'],
      ['plan', 'Class'],
    ] as const) {
      const value = textIn(organisation, key)
      if (value !== undefined) facts[name] = value
    }
    return { proves: `connected to the organisation "${textIn(organisation, 'Name') ?? ''}"`, facts }
  },
}
