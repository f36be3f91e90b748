import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { openJournal } from './journal.ts'

const defaults = { seed: 1, size: { things: 10, people: 2 }, epoch: new Date('2026-01-01T00:00:00Z') }
const nothing = { seed: undefined, size: {} }
let home: string
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'tieline-journal-'))
})
afterEach(() => rmSync(home, { recursive: true }))

const file = () => path.join(home, 'sandbox', 'acme.jsonl')

it('gives back what was flushed, with the account that it belongs to', () => {
  const journal = openJournal(home, 'acme', { seed: 7, size: { things: 3 } }, defaults)
  expect(journal.origin).toEqual({ ...defaults, seed: 7, size: { things: 3, people: 2 } })
  journal.append({ id: 1 })
  journal.flush()
  journal.append({ id: 2 })
  const again = openJournal(home, 'acme', nothing, { ...defaults, epoch: new Date() })
  expect(again.origin).toEqual(journal.origin)
  expect(again.entries).toEqual([{ id: 1 }])
})

it('drops a last line that was cut off, and goes on behind the whole ones', () => {
  const journal = openJournal(home, 'acme', nothing, defaults)
  journal.append({ name: 'Zoë' })
  journal.flush()
  appendFileSync(file(), '{"name":"Ø')
  const again = openJournal(home, 'acme', nothing, defaults)
  again.append({ name: 'Noor' })
  again.flush()
  expect(openJournal(home, 'acme', nothing, defaults).entries).toEqual([{ name: 'Zoë' }, { name: 'Noor' }])
})

it('puts the journal of another account aside', () => {
  const journal = openJournal(home, 'acme', nothing, defaults)
  journal.append({ id: 1 })
  journal.flush()
  expect(openJournal(home, 'acme', { seed: 2, size: {} }, defaults).entries).toEqual([])
  expect(readFileSync(`${file()}.old`, 'utf8')).toContain('{"id":1}')
})

it('keeps nothing without a home', () => {
  const journal = openJournal(undefined, 'acme', nothing, defaults)
  journal.append({ id: 1 })
  journal.flush()
  expect(journal).toMatchObject({ origin: defaults, entries: [] })
})
