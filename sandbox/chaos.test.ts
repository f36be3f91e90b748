import { createChaos, noChaos } from './chaos.ts'

const storm = {
  ...noChaos,
  seed: 42,
  rate429: 0.2,
  rate5xx: 0.1,
  cutRate: 0.1,
  htmlRate: 0.1,
  driftRate: 0.1,
  dropRate: 0.1,
  slowRate: 0.1,
  slowMs: 5,
}
const faultsOf = (settings: typeof storm, calls: number) => {
  const next = createChaos(settings)
  return Array.from({ length: calls }, () => next())
}

it('the same seed gives the same faults in the same order, another seed others', () => {
  const faults = faultsOf(storm, 300)
  expect(faultsOf(storm, 300)).toEqual(faults)
  expect(faultsOf({ ...storm, seed: 43 }, 300)).not.toEqual(faults)
})

it('every kind of fault comes, about as often as asked for', () => {
  const faults = faultsOf(storm, 4000)
  const share = (kind: string) => faults.filter((fault) => fault.kind === kind).length / faults.length
  expect(share('status')).toBeCloseTo(0.3, 1)
  for (const kind of ['cut', 'html', 'drift', 'drop', 'slow']) expect(share(kind)).toBeCloseTo(0.1, 1)
  expect(share('none')).toBeCloseTo(0.2, 1)
})

it('ends after the calls that it was set for', () => {
  const faults = faultsOf({ ...storm, rate429: 1, forCalls: 3 }, 6)
  expect(faults.map((fault) => fault.kind)).toEqual(['status', 'status', 'status', 'none', 'none', 'none'])
})
