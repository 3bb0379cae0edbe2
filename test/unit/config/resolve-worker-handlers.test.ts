/** Handlers with `engine: 'worker'` against what was generated for them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { batchHandler, type HandlerOptions, handler } from '../../../framework/api/handler.ts'
import { resolveConfig } from '../../../framework/config/resolve-config.ts'
import { resolveHandlers } from '../../../framework/runtime/resolve-handlers.ts'
import type { ResolvedHandler } from '../../../framework/runtime/runtime.ts'

const config = resolveConfig({ group: 'shop' }, 'pyrallel.config.ts')

function resolved(options: HandlerOptions<unknown> | object, entry?: string): ResolvedHandler | undefined {
  const definition = handler('views', options as HandlerOptions<unknown>, () => {})
  const registered = { id: 'score', file: 'handlers/score.ts', topic: 'views', group: null, handler: definition }
  return resolveHandlers([entry === undefined ? registered : { ...registered, entry }], config)[0]
}

const entry = 'file:///app/generated/workers/score.ts'

describe('resolveHandlers, with worker handlers', () => {
  it('gives a worker handler its entry and its options', () => {
    const worker = { threads: 3, recycleAfter: 1_000, resourceLimits: { maxOldGenerationSizeMb: 256 } }
    assert.deepEqual(resolved({ engine: 'worker', worker }, entry)?.worker, { entry, ...worker })
  })

  it('leaves to Node and the machine what is not said', () => {
    const expected = { entry, threads: undefined, recycleAfter: undefined, resourceLimits: {} }
    assert.deepEqual(resolved({ engine: 'worker' }, entry)?.worker, expected)
  })

  it('gives other handlers none', () => {
    assert.equal(resolved({})?.worker, undefined)
    assert.equal(resolved({ engine: 'async' })?.worker, undefined)
  })

  it('refuses an engine that is not the generated one', () => {
    const stale = { code: 'PYR_GENERATED_STALE', message: /handlers\/score\.ts.*pyrallel generate/ }
    assert.throws(() => resolved({ engine: 'worker' }), stale)
    assert.throws(() => resolved({ engine: 'async' }, entry), stale)
  })

  it('refuses options of threads for a handler that has none', () => {
    assert.throws(() => resolved({ worker: { threads: 2 } }), {
      code: 'PYR_HANDLER_OPTION',
      message: /handlers\/score\.ts: option worker .*engine: 'worker'/,
    })
  })

  it('refuses values that make no sense', () => {
    for (const [worker, says] of [
      [{ threads: 0 }, /worker\.threads is 0/],
      [{ recycleAfter: 1.5 }, /worker\.recycleAfter is 1\.5/],
      [{ resourceLimits: { maxOldGenerationSizeMb: 7 } }, /maxOldGenerationSizeMb is 7.* from 8 to 65,536/],
      [{ resourceLimits: { maxYoungGenerationSizeMb: 0 } }, /maxYoungGenerationSizeMb is 0.* from 1 to 65,536/],
      [{ resourceLimits: { stackSizeMb: 1_025 } }, /worker\.resourceLimits\.stackSizeMb is 1025.* from 1 to 1,024/],
      [{ thread: 2 }, /Did you mean worker\.threads/],
    ] as const) {
      assert.throws(() => resolved({ engine: 'worker', worker }, entry), { code: 'PYR_HANDLER_OPTION', message: says })
    }
  })
})

describe('resolveHandlers, with batch handlers', () => {
  const batched = (options: object) => {
    const definition = batchHandler('views', options, () => {})
    const registered = { id: 'score', file: 'handlers/score.ts', topic: 'views', group: null, handler: definition }
    return resolveHandlers([registered], config)[0]?.route.batch
  }

  it('gives a batch handler the size of its batches and how long they wait', () => {
    assert.deepEqual(batched({ batch: { size: 200, wait: '1s' } }), { size: 200, waitMs: 1_000 })
    assert.deepEqual(batched({}), { size: 100, waitMs: 50 })
  })

  it('gives none to a handler of single records, and refuses it the option', () => {
    assert.equal(resolved({})?.route.batch, undefined)
    assert.throws(() => resolved({ batch: { size: 2 } }), {
      code: 'PYR_HANDLER_OPTION',
      message: /handlers\/score\.ts: option batch .*batchHandler/,
    })
  })

  it('refuses sizes and times that make no sense', () => {
    assert.throws(() => batched({ batch: { size: 0 } }), { message: /batch\.size is 0/ })
    assert.throws(() => batched({ batch: { wait: '2h' } }), { message: /batch\.wait is '2h'/ })
  })
})
