/** What is read from Mixpanel, in the order in which it is synced: what costs least goes first. */
import type { Resource } from '../contract.ts'
import { cohortMembers, cohorts } from './cohorts.ts'
import { events } from './events.ts'
import { annotations, experiments, funnels } from './lists.ts'
import { profiles } from './profiles.ts'

export const resources: readonly Resource[] = [
  cohorts,
  funnels,
  experiments,
  annotations,
  profiles,
  events,
  cohortMembers,
]
