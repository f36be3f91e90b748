/** Every provider's simulator: one line each, as in `providers/registry.ts`. */
import { zendeskSimulator } from '../providers/zendesk/simulator.ts'
import type { Simulator } from './kit.ts'

export const simulators: readonly Simulator[] = [zendeskSimulator]
