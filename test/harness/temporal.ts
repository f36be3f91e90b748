import { TestWorkflowEnvironment } from '@temporalio/testing'
import { findTestServer } from '../../cli/up/temporal-cli.ts'
import { testServers } from './servers.ts'

/** The real dev server that this jest run shares. Use your own task queue and ids. */
export function testTemporal(): { readonly address: string; readonly namespace: string } {
  const { temporalAddress, temporalNamespace } = testServers()
  return { address: temporalAddress, namespace: temporalNamespace }
}

/** A time-skipping server of this file's own: time is global to it. It knows no schedules. Tear it down in `afterAll`. */
export async function createTimeSkippingEnvironment(): Promise<TestWorkflowEnvironment> {
  const path = await findTestServer()
  return TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path } },
  })
}
