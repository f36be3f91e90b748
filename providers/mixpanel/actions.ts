/** What the hub can do at Mixpanel. */
import type { Action } from '../contract.ts'
import { trackChanges, trackEvent, trackEvents, trackExposure } from './action-events.ts'

export const actions: readonly Action[] = [trackEvents, trackEvent, trackChanges, trackExposure]
