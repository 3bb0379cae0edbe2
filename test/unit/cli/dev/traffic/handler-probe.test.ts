/** Handlers as `pyrallel dev` watches them: what they do is what they do without it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { probed } from '../../../../../cli/dev/traffic/handler-probe.ts'
import { batchHandler, type HandlerContext, handler } from '../../../../../framework/api/handler.ts'
import { AsyncEngine } from '../../../../../framework/execution-plane/engines/async-engine.ts'
import type { CompletionEvent, Epoch } from '../../../../../framework/model/work.ts'
import { ManualClock } from '../../../../../framework/testing/manual-clock.ts'
import { recordedLog } from '../../../kafka/recorded-log.ts'
import { aHandler } from '../../../runtime/running-app.ts'

const publishAndForget = (_work: unknown, { publish }: HandlerContext): void => void publish('invoices', 1)
const definitions = {
  'a handler': handler<unknown>('orders', publishAndForget),
  'a batch handler': batchHandler<unknown>('orders', publishAndForget),
}

describe('a publish that fails and that nobody awaits', () => {
  for (const [what, definition] of Object.entries(definitions)) {
    it(`fails the attempt of ${what} while it is watched, too, and is no unhandled rejection`, async () => {
      const published: string[] = []
      const observer = {
        onStart() {},
        onEnd() {},
        onPublish: (_id: string, _r: unknown, to: string) => published.push(to),
      }
      const completions: CompletionEvent[] = []
      const engine = new AsyncEngine({
        handlerId: 'orders',
        definition: probed({ ...aHandler('orders'), definition }, observer).definition,
        concurrency: 1,
        timeoutMs: 100,
        abandonAfterMs: 50,
        publish: () => Promise.reject(new Error('broker says no')),
        log: recordedLog().log,
        clock: new ManualClock(),
      })
      await engine.start((completion) => completions.push(completion))
      const record = { topic: 'orders', partition: 0, offset: 0, key: null, value: Buffer.from('{}'), headers: [] }
      const records = [{ ...record, timestamp: 0 }]
      engine.submit({ id: 1, handlerId: 'orders', epoch: 1 as Epoch, records, attempts: [1] })
      await nextTurn()
      await nextTurn()
      assert.deepEqual(published, ['invoices'])
      assert.equal(completions[0]?.outcome.kind, 'failed')
      await engine.close(0)
    })
  }
})
