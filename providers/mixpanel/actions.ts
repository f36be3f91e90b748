/** What the hub can do at Mixpanel. */
import type { Action } from '../contract.ts'
import { createAnnotation, deleteAnnotation } from './action-annotations.ts'
import { cancelErasure, eraseUser } from './action-erasure.ts'
import { trackChanges, trackEvent, trackEvents, trackExposure } from './action-events.ts'
import { concludeExperiment, decideExperiment, launchExperiment } from './action-experiments.ts'
import { mergeProfiles } from './action-merge.ts'
import { deleteGroup, deleteProfile, setGroup, setProfile } from './action-profiles.ts'
import { retrieveUser } from './action-retrieval.ts'
import { appendRevenue } from './action-revenue.ts'

export const actions: readonly Action[] = [
  trackEvents,
  trackEvent,
  trackChanges,
  trackExposure,
  mergeProfiles,
  setProfile,
  deleteProfile,
  setGroup,
  deleteGroup,
  appendRevenue,
  createAnnotation,
  deleteAnnotation,
  eraseUser,
  cancelErasure,
  retrieveUser,
  launchExperiment,
  concludeExperiment,
  decideExperiment,
]
