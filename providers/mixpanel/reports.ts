/**
 * Questions to Mixpanel. Each costs a query of the project's 60 an hour unless its description says otherwise, so answers
 * are kept: a quarter of an hour where today counts, an hour where it hardly does.
 */
import type { Report } from '../contract.ts'
import { erasureStatus } from './action-erasure.ts'
import { retrievalStatus } from './action-retrieval.ts'
import { cohortList, cohortMemberList, experimentList } from './report-audience.ts'
import { funnel, funnelList } from './report-funnels.ts'
import { insights } from './report-insights.ts'
import { eventNames, eventProperties, propertyValues } from './report-names.ts'
import { frequency, retention } from './report-retention.ts'
import { eventsTop, segmentation, trends } from './report-segmentation.ts'

export const reports: readonly Report[] = [
  funnel,
  funnelList,
  cohortList,
  cohortMemberList,
  retention,
  frequency,
  segmentation,
  trends,
  eventsTop,
  eventNames,
  eventProperties,
  propertyValues,
  insights,
  experimentList,
  erasureStatus,
  retrievalStatus,
]
