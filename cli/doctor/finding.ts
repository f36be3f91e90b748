/** What one check of the doctor came to. */

export interface DoctorFinding {
  readonly check: string
  readonly state: 'ok' | 'look' | 'bad'
  readonly detail: string
  /** What to do about it; null when there is nothing. */
  readonly advice: string | null
}

export const ok = (check: string, detail: string): DoctorFinding => ({
  check,
  state: 'ok',
  detail,
  advice: null,
})
export const look = (check: string, detail: string, advice: string): DoctorFinding => ({
  ...{ check, state: 'look', detail, advice },
})
export const bad = (check: string, detail: string, advice: string): DoctorFinding => ({
  ...{ check, state: 'bad', detail, advice },
})
