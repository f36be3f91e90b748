/** What can be asked of HubSpot. */
import type { Report } from '../contract.ts'
import { dealReports } from './report-deals.ts'
import { marketingReports } from './report-marketing.ts'

export const reports: readonly Report[] = [...dealReports, ...marketingReports]
