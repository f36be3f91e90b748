import type { Report } from '../contract.ts'

export const reports: readonly Report[] = []
