/** What benchmarks have in common: processes beside this one, and how their figures are taken. */
import { fork, type ChildProcess } from 'node:child_process'
import path from 'node:path'

/** A file of this folder as a process of its own. */
export const start = (file: string, argument?: string): ChildProcess =>
  fork(path.join(import.meta.dirname, file), argument === undefined ? [] : [argument], {
    execArgv: ['--import', 'tsx'],
  })

/** The next thing that a process says. */
export const message = <T>(child: ChildProcess): Promise<T> =>
  new Promise((resolve) => child.once('message', (value) => resolve(value as T)))

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN

/** @param share 0 to 1. */
export const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0

export const rounded = (value: number, digits = 1): number => Number(value.toFixed(digits))
