/** When and from where API keys were used last: gathered in memory and written together, outside of any answer's way. */
import { LRUCache } from 'lru-cache'
import { noteKeyUse } from '../db/api-keys.ts'
import type { Db } from '../db/client.ts'
import type { Log } from '../platform/log.ts'

export interface KeyUses {
  note(keyId: string, address: string): void
  /** Writes what is left. */
  close(): Promise<void>
}

interface Use {
  readonly keyId: string
  at: Date
  address: string
  /** Of what was written last. */
  writtenAt: number
}

const writeMs = 1_000
const onceInMs = 60_000
const most = 20_000

export function createKeyUses(db: Db, log?: Log): KeyUses {
  const uses = new LRUCache<string, Use>({ max: most })
  const dirty = new Set<Use>()
  let writing: Promise<void> = Promise.resolve()

  const write = async (due: readonly Use[]): Promise<void> => {
    if (due.length === 0) return
    const before = due.map(({ writtenAt }) => writtenAt)
    for (const use of due) {
      dirty.delete(use)
      use.writtenAt = use.at.getTime()
    }
    try {
      await noteKeyUse(db, due)
    } catch (err) {
      log?.debug({ err }, 'the last use of keys could not be noted')
      due.forEach((use, index) => {
        use.writtenAt = before[index] ?? 0
        dirty.add(use)
      })
    }
  }
  const writeDue = (now: number): void => {
    const due = [...dirty].filter(({ writtenAt }) => now - writtenAt >= onceInMs)
    writing = writing.then(() => write(due))
  }
  const timer = setInterval(() => writeDue(Date.now()), writeMs)
  timer.unref()

  return {
    note: (keyId, address) => {
      const use = uses.get(keyId) ?? { keyId, at: new Date(0), address, writtenAt: 0 }
      use.at = new Date()
      use.address = address
      uses.set(keyId, use)
      if (dirty.size < most) dirty.add(use)
    },
    close: async () => {
      clearInterval(timer)
      writeDue(Infinity)
      await writing
    },
  }
}
