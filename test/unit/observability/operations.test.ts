import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { configDefaults } from '../../../framework/config/resolve-config.ts'
import type { Logger } from '../../../framework/model/logger.ts'
import type { HttpSettings } from '../../../framework/model/settings.ts'
import type { SystemMetrics } from '../../../framework/model/snapshot.ts'
import { Operations } from '../../../framework/runtime/operations.ts'
import { ManualClock } from '../../../framework/testing/manual-clock.ts'
import { aBlockingRecord, aGroup, aPartition, aSystem } from './snapshots.ts'

/** Runs a test between start and stop, and sees to it that no timer is left. */
async function operate(
  http: Partial<HttpSettings> | undefined,
  test: (seen: { url: string; operations: Operations; clock: ManualClock; warnings: object[] }) => Promise<void> | void,
  snapshot: () => SystemMetrics = () => aSystem(),
) {
  const clock = new ManualClock()
  const warnings: object[] = []
  let url = ''
  const log: Logger = {
    debug() {},
    info: (fields) => {
      if ('url' in fields) url = String(fields.url)
    },
    warn: (fields) => warnings.push(fields),
    error() {},
    child: () => log,
  }
  const load = { groups: () => [] }
  const settings = http === undefined ? undefined : { ...configDefaults.http, enabled: true, port: 0, ...http }
  const operations = await Operations.start({ http: settings, handlers: [], snapshot, load, log, clock })
  try {
    await test({ url, operations, clock, warnings })
  } finally {
    await operations.stop()
    assert.equal(clock.pendingTimers, 0)
  }
}

describe('what operators get of a runtime', () => {
  it('is neither a server nor a counter by default, nor without the section', async () => {
    for (const http of [undefined, { enabled: configDefaults.http.enabled }]) {
      await operate(http, ({ url, operations }) => {
        assert.deepEqual([url, operations.sinkFor('shop')], ['', undefined])
      })
    }
  })

  it('counts nothing when http.metrics is false', async () => {
    await operate({ metrics: false }, ({ operations }) => assert.equal(operations.sinkFor('shop'), undefined))
    await operate({}, ({ operations }) => assert.notEqual(operations.sinkFor('shop'), undefined))
  })

  it('listens at the address of http.host', async () => {
    // Linux has all of 127/8 at hand; where only 127.0.0.1 is, the refusal names the address.
    const host = '127.0.0.2'
    await operate({ host }, ({ url }) => assert.match(url, /^http:\/\/127\.0\.0\.2:/)).catch((error: Error) => {
      assert.match(error.message, /Nothing can listen at 127\.0\.0\.2/)
    })
  })

  it('calls a group stalled after http.stallAfter', async () => {
    const snapshot = () => aSystem({ groups: [aGroup({ sincePollMs: 2_000 })] })
    const statusAfter = async (stallAfterMs: number) => {
      let status = 0
      const ask = async ({ url }: { readonly url: string }) => {
        status = (await fetch(`${url}/readyz`)).status
      }
      await operate({ stallAfterMs }, ask, snapshot)
      return status
    }
    assert.deepEqual([await statusAfter(1_000), await statusAfter(60_000)], [503, 200])
  })

  it('watches for what blocks, also without a server', async () => {
    const partitions = [aPartition({ blocking: aBlockingRecord({ ageMs: 61_000 }) })]
    const snapshot = () => aSystem({ groups: [aGroup({ partitions })] })
    await operate(
      undefined,
      ({ clock, warnings }) => {
        clock.advance(10_000)
        assert.equal(warnings.length, 1)
      },
      snapshot,
    )
  })
})
