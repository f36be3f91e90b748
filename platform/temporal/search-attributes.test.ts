import { Connection } from '@temporalio/client'
import { searchAttributeNames } from '../../model/search-attributes.ts'
import { testTemporal } from '../../test/harness/temporal.ts'
import { registerSearchAttributes } from './search-attributes.ts'

describe('registering search attributes', () => {
  it('adds what is missing, once, and is not disturbed by another worker doing the same', async () => {
    const { address, namespace } = testTemporal()
    const connection = await Connection.connect({ address })
    try {
      expect(await registerSearchAttributes(connection, namespace, searchAttributeNames)).toEqual([])
      const names = [...searchAttributeNames, 'TielineTestOnly']
      const both = await Promise.all([1, 2].map(() => registerSearchAttributes(connection, namespace, names)))
      expect(both.flat()).toContain('TielineTestOnly')
      expect(await registerSearchAttributes(connection, namespace, names)).toEqual([])
    } finally {
      await connection.close()
    }
  })

  it('says what to add where the namespace is not known', async () => {
    const { address } = testTemporal()
    const connection = await Connection.connect({ address })
    try {
      const refused = registerSearchAttributes(connection, 'no-such-namespace', ['TielineProvider'])
      await expect(refused).rejects.toMatchObject({ code: 'NotConfigured' })
    } finally {
      await connection.close()
    }
  })
})
