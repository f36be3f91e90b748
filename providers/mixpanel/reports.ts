/** Questions to Mixpanel. Each costs one of the project's 60 queries an hour, unless it says otherwise. */
import type { Report } from '../contract.ts'

export const reports: readonly Report[] = []
