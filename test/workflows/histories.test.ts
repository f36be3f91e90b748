import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import proto from '@temporalio/proto'
import { Worker } from '@temporalio/worker'
import { failureConverterPath } from '../../platform/temporal/data-converter.ts'
import { workflowBundle } from '../../workers/bundle.ts'
import * as workflows from '../../workflows/index.ts'
import { installTestRuntime } from '../harness/worker.ts'
import { recordHistories } from './record-histories.ts'

const folder = path.resolve(import.meta.dirname, '../histories')

/**
 * After a change that is not released yet: TIELINE_RECORD_HISTORIES=1 npx jest test/workflows/histories; with the name of a
 * workflow in place of 1, its histories alone.
 */
beforeAll(async () => {
  installTestRuntime()
  const wish = process.env['TIELINE_RECORD_HISTORIES']
  if (wish) await recordHistories(folder, wish === '1' ? undefined : wish)
}, 300_000)

const names = async (): Promise<string[]> =>
  (await readdir(folder)).filter((name) => name.endsWith('.json')).sort()

describe('INV-11: every recorded history', () => {
  it('is there for each workflow', async () => {
    const recorded = new Set((await names()).map((name) => name.split('-')[0]))
    expect([...recorded].sort()).toEqual(Object.keys(workflows).sort())
  })

  it('replays against the current code', async () => {
    const logger = { log: ignore, trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore }
    const bundle = await workflowBundle({ logger })
    const files = await names()
    const histories = await Promise.all(
      files.map(async (name) => ({
        workflowId: name,
        history: historyOf(
          JSON.parse(await readFile(path.join(folder, name), 'utf8')) as Record<string, unknown>,
        ),
      })),
    )
    const problems: string[] = []
    const replays = Worker.runReplayHistories(
      { workflowBundle: bundle, dataConverter: { failureConverterPath }, replayName: 'histories' },
      histories,
    )
    for await (const { workflowId, error } of replays)
      if (error) problems.push(`${workflowId}: ${error.message}`)
    expect(problems).toEqual([])
  })
})

/** Not the SDK's own reader: it fails where npm gives its packages more than one copy of protobufjs. */
const historyOf = (json: Record<string, unknown>) => proto.temporal.api.history.v1.History.fromObject(json)

function ignore(): void {}
