/** What a line of an attempt says of its record. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { AttemptLog } from '../../../../framework/execution-plane/attempt/attempt-log.ts'
import type { PreparedHandler } from '../../../../framework/execution-plane/attempt/prepared-handler.ts'
import type { Logger } from '../../../../framework/model/logger.ts'
import type { Epoch, WorkItem } from '../../../../framework/model/work.ts'
import { aRecord } from '../../control-plane/builders.ts'

function keyOf(key: Buffer | null): unknown {
  let bound: object = {}
  const silent = () => {}
  const log: Logger = {
    debug: silent,
    info: silent,
    warn: silent,
    error: silent,
    child: (bindings) => {
      bound = bindings
      return log
    },
  }
  const handler = { setup: { handlerId: 'bill', log } } as unknown as PreparedHandler
  const item: WorkItem = { id: 1, handlerId: 'bill', epoch: 1 as Epoch, records: [aRecord(7, { key })], attempts: [1] }
  assert.ok(new AttemptLog(handler, item).ofHandler)
  return Reflect.get(bound, 'key')
}

it('a line has 256 bytes of a key and says that there are more, and a shorter one whole', () => {
  assert.equal(keyOf(Buffer.from('k'.repeat(256))), 'k'.repeat(256))
  assert.equal(keyOf(Buffer.from('k'.repeat(1_000_000))), `${'k'.repeat(256)}…`)
  assert.equal(keyOf(null), null)
  assert.equal(keyOf(Buffer.from('00000000078001', 'hex')), 'AAAAAAeAAQ==')
})
