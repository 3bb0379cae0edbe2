import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { configDefaults } from '../../../framework/config/resolve-config.ts'
import type { Logger } from '../../../framework/model/logger.ts'
import { WatchPoint } from '../../../framework/model/record-watch.ts'
import type { HttpSettings } from '../../../framework/model/settings.ts'
import type { SystemMetrics } from '../../../framework/model/snapshot.ts'
import { Operations } from '../../../framework/runtime/operations.ts'
import { ManualClock } from '../../../framework/testing/manual-clock.ts'
import { WrittenRuntime } from '../console/served-console.ts'
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
  const watched = new WrittenRuntime()
  watched.metrics = snapshot()
  const told = { snapshot, watched, watchPoint: new WatchPoint(), cluster: undefined, load }
  const operations = await Operations.start({ http: settings, handlers: [], ...told, log, clock })
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

  it('gives the snapshot to who has http.token, and health and metrics to everybody', async () => {
    const token = 'token-of-sixteen-characters'
    await operate({ token }, async ({ url }) => {
      const statusOf = async (path: string, headers = {}) => (await fetch(`${url}${path}`, { headers })).status
      assert.equal(await statusOf('/snapshot'), 401)
      assert.equal(await statusOf('/snapshot', { authorization: 'Bearer another-one-of-sixteen' }), 401)
      assert.equal(await statusOf('/snapshot', { authorization: `Bearer ${token}` }), 200)
      for (const path of ['/livez', '/readyz', '/metrics']) assert.equal(await statusOf(path), 200, path)
    })
  })

  it('looks at no more than 20 wrong tokens a minute', async () => {
    await operate({ token: 'token-of-sixteen-characters' }, async ({ url }) => {
      const ask = async (token: string) =>
        (await fetch(`${url}/snapshot`, { headers: { authorization: `Bearer ${token}` } })).status
      for (let wrong = 0; wrong < 20; wrong++) assert.equal(await ask(`wrong-${wrong}`), 401)
      assert.equal(await ask('token-of-sixteen-characters'), 429)
    })
  })

  it('has no console by default, and with http.console.enabled one that shows and changes nothing', async () => {
    await operate({}, async ({ url }) => assert.equal((await fetch(`${url}/api`)).status, 404))
    const console = { ...configDefaults.http.console, enabled: true }
    await operate({ console }, async ({ url, operations }) => {
      const about = (await (await fetch(`${url}/api`)).json()) as Record<string, unknown>
      assert.deepEqual([about.mode, about.shownTopics], ['production', []])
      assert.equal((await fetch(`${url}/livez`)).status, 200)
      assert.equal((await pause(url)).status, 403)
      assert.notEqual(operations.watcherFor('shop'), undefined)
    })
    await operate({ console: { ...console, actions: true } }, async ({ url }) => {
      assert.equal((await pause(url)).status, 200)
    })
    await operate({}, ({ operations }) => assert.equal(operations.watcherFor('shop'), undefined))
  })

  it('asks for http.token at the console too', async () => {
    const console = { ...configDefaults.http.console, enabled: true }
    await operate({ console, token: 'token-of-sixteen-characters' }, async ({ url }) => {
      assert.equal((await fetch(`${url}/api`)).status, 401)
    })
  })

  it('masks keys where there is a console, in its answers and beside it, but for shownTopics', async () => {
    const partitions = [aPartition({ blocking: aBlockingRecord({ key: 'alice@example.com' }) })]
    const snapshot = () => aSystem({ groups: [aGroup({ partitions })] })
    const keysAt = async (console: HttpSettings['console']) => {
      const found: boolean[] = []
      const look = async ({ url }: { readonly url: string }) => {
        for (const path of ['/snapshot', '/api/snapshot'])
          found.push((await (await fetch(`${url}${path}`)).text()).includes('alice'))
      }
      await operate({ console }, look, snapshot)
      return found
    }
    const off = configDefaults.http.console
    assert.deepEqual(await keysAt(off), [true, false])
    assert.deepEqual(await keysAt({ ...off, enabled: true }), [false, false])
    assert.deepEqual(await keysAt({ ...off, enabled: true, shownTopics: ['orders'] }), [true, true])
  })

  it('shows a masked key alike in the console and beside it, so that one can be found by the other', async () => {
    const partitions = [aPartition({ blocking: aBlockingRecord({ key: 'alice@example.com' }) })]
    const snapshot = () => aSystem({ groups: [aGroup({ partitions })] })
    const look = async ({ url }: { readonly url: string }) => {
      const marks = ['/snapshot', '/api/snapshot'].map(
        async (path) => /#[0-9a-f]{16}/.exec(await (await fetch(`${url}${path}`)).text())?.[0],
      )
      const [ofSnapshot, ofConsole] = await Promise.all(marks)
      assert.ok(ofSnapshot !== undefined && ofSnapshot === ofConsole, `${ofSnapshot} and ${ofConsole}`)
    }
    await operate({ console: { ...configDefaults.http.console, enabled: true } }, look, snapshot)
  })
})

function pause(url: string): Promise<Response> {
  const headers = { 'content-type': 'application/json' }
  return fetch(`${url}/api/handlers/bill/pause`, { method: 'POST', headers, body: '{}' })
}
