import type { Report } from '../contract.ts'
import { reconciliation } from './report-reconciliation.ts'
import { statements } from './report-statements.ts'
import { paymentTracking } from './report-tracking.ts'

export const reports: readonly Report[] = [reconciliation, paymentTracking, ...statements]
