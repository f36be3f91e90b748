/** What a mapping rule cannot say of a row: lists of one, the primary address, percent as a share. Kept below `derived`. */
import type { Row } from '../contract.ts'
import { idIn, numberIn, objectsIn, textIn, type Fields } from './answer.ts'

const withDerived = (row: Row, derived: Fields): Row => ({ ...row, derived })

/** A list of at most one id. */
const only = (row: Row, key: string): string[] => [idIn(row, key)].filter((id) => id !== undefined)

/** The value that is marked as primary, else the first. */
function primaryOf(row: Row, key: string): string | null {
  const values = objectsIn(row, key)
  const chosen = values.find((one) => one['primary'] === true) ?? values[0]
  return (chosen && textIn(chosen, 'value')) ?? null
}

const share = (percent: number | undefined): number | null => (percent === undefined ? null : percent / 100)

/** `https://www.acme.com/about` → `www.acme.com`; a bare host passes. */
function hostOf(website: string | undefined): string | null {
  if (website === undefined) return null
  const url = /^[a-z]+:\/\//i.test(website) ? website : `https://${website}`
  return URL.canParse(url) ? new URL(url).hostname : null
}

/** `01:30` or `01:30:00`. */
function durationOf(text: string | undefined): number | null {
  const [match, hours, minutes, seconds = '0'] = /^(\d{1,3}):(\d{2})(?::(\d{2}))?$/.exec(text ?? '') ?? []
  return match === undefined ? null : ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000
}

const links = (row: Row) => ({
  contacts: only(row, 'person_id'),
  accounts: only(row, 'org_id'),
  deals: only(row, 'deal_id'),
})

export const dealOf = (row: Row): Row =>
  withDerived(row, { contacts: only(row, 'person_id'), probability: share(numberIn(row, 'probability')) })

export const personOf = (row: Row): Row =>
  withDerived(row, { email: primaryOf(row, 'emails'), phone: primaryOf(row, 'phones') })

export const organizationOf = (row: Row): Row => withDerived(row, { domain: hostOf(textIn(row, 'website')) })

/** `person_id` is the primary participant; the others are in `participants`. */
export function activityOf(row: Row): Row {
  const { contacts, ...others } = links(row)
  const participants = objectsIn(row, 'participants').flatMap((one) => idIn(one, 'person_id') ?? [])
  return withDerived(row, {
    ...others,
    contacts: [...new Set([...contacts, ...participants])],
    durationMs: durationOf(textIn(row, 'duration')),
  })
}

export const noteOf = (row: Row): Row => withDerived(row, links(row))

/** @param stages of all pipelines. */
export const pipelineOf = (row: Row, stages: readonly Row[]): Row =>
  withDerived(row, {
    stages: stages
      .filter((stage) => stage['is_deleted'] !== true && idIn(stage, 'pipeline_id') === idIn(row, 'id'))
      .sort((a, b) => (numberIn(a, 'order_nr') ?? 0) - (numberIn(b, 'order_nr') ?? 0))
      .map((stage) => ({
        id: idIn(stage, 'id') ?? null,
        name: textIn(stage, 'name') ?? null,
        order: numberIn(stage, 'order_nr') ?? null,
        probability: share(numberIn(stage, 'deal_probability')),
      })),
  })
