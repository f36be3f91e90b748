/** A hub with the notes provider and one connection to it. */
import { createConnection, type Connection } from '../../db/connections.ts'
import { putCredential } from '../../db/credentials.ts'
import { defaultTenant, ensureDefaultTenant } from '../../db/partners.ts'
import { newId } from '../../platform/new-id.ts'
import { startNotesProvider, type NotesProvider } from './notes-provider.ts'
import { createTestDatabase, type TestDatabase } from './postgres.ts'
import { createTestHub, type TestHub } from './worker.ts'

export interface NotesHub {
  readonly database: TestDatabase
  readonly notes: NotesProvider
  readonly test: TestHub
  readonly connection: Connection
  /** Runs a sync to its end. */
  sync(): Promise<void>
  close(): Promise<void>
}

export async function startNotesHub(): Promise<NotesHub> {
  const database = await createTestDatabase()
  const notes = await startNotesProvider()
  const { originMap, provider } = notes
  const test = await createTestHub({ database: database.database, providers: [provider], originMap })
  const { db } = database.database
  await ensureDefaultTenant(db)
  const connection = await createConnection(db, {
    ...defaultTenant,
    connectionId: newId('connection'),
    provider: provider.slug,
    auth: 'token',
    name: 'Notes',
    settings: {},
  })
  await putCredential(db, test.deps.vault, connection, { token: 'good-token' })
  return {
    database,
    notes,
    test,
    connection,
    sync: async () => {
      const started = await test.hub.startSync({ connectionId: connection.connectionId }, connection)
      await test.temporal.client.workflow.getHandle(started.workflowId, started.runId).result()
    },
    close: async () => {
      await test.close()
      await notes.close()
      await database.drop()
    },
  }
}
