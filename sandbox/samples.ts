/** The sample connections that `npm start` makes to the sandbox. */
import type { Sample } from './kit.ts'
import { simulators } from './simulators.ts'

export type { Sample } from './kit.ts'
export const samples: readonly Sample[] = simulators.map((simulator) => simulator.sample)
