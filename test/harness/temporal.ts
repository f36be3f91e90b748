import proto from '@temporalio/proto'
import { TestWorkflowEnvironment } from '@temporalio/testing'
import { findTestServer } from '../../cli/up/temporal-cli.ts'
import { searchAttributeNames } from '../../model/search-attributes.ts'
import { testServers } from './servers.ts'

/** The real dev server that this jest run shares. Use your own task queue and ids. */
export function testTemporal(): { readonly address: string; readonly namespace: string } {
  const { temporalAddress, temporalNamespace } = testServers()
  return { address: temporalAddress, namespace: temporalNamespace }
}

const keyword = proto.temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD

/**
 * A time-skipping server of this file's own, with the hub's search attributes: time is global to it. It knows no schedules. Tear it down in
 * `afterAll`.
 */
export async function createTimeSkippingEnvironment(): Promise<TestWorkflowEnvironment> {
  const path = await findTestServer()
  const env = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path } },
  })
  await env.connection.operatorService.addSearchAttributes({
    namespace: 'default',
    searchAttributes: Object.fromEntries(searchAttributeNames.map((name) => [name, keyword])),
  })
  return env
}
