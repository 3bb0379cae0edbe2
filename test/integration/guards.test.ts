/** The guards of a handler, and a dead-letter topic that refuses, as an operator sees them: snapshot, metrics page, log, dead letters. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { UndecodedRecord } from '../../framework/api/handler.ts'
import type { HandlerMetrics, PartitionMetrics, SystemMetrics } from '../../framework/model/snapshot.ts'
import { type Observed, observe, produce, until } from './observed-runtime.ts'

const once = { attempts: 1 } as const

function handlerOf({ groups }: SystemMetrics): HandlerMetrics {
  return groups[0]?.handlers[0] ?? assert.fail('there is no handler')
}

function partitionOf({ groups }: SystemMetrics): PartitionMetrics {
  return groups[0]?.partitions[0] ?? assert.fail('there is no partition')
}

const isAssigned = ({ groups }: SystemMetrics) => groups[0]?.membership === 'assigned'
const isDone = (offset: number) => (metrics: SystemMetrics) =>
  isAssigned(metrics) && partitionOf(metrics).committedPosition === offset

async function series(url: string, name: string): Promise<number> {
  const page = await (await fetch(`${url}/metrics`)).text()
  const line = page.split('\n').find((each) => each.startsWith(`pyrallel_${name}{`))
  return Number(line?.split(' ').at(-1))
}

function reasonsIn({ cluster }: Observed): readonly string[] {
  return cluster.log('orders.shop.dlq', 0).records.map(({ headers }) => {
    const texts = new Map(headers.map(([name, value]) => [name, String(value)]))
    return `${texts.get('pyrallel-offset')} ${texts.get('pyrallel-reason')} ${texts.get('pyrallel-attempts')}`
  })
}

describe('a runtime with guards', () => {
  it('starts no more in a second than its rate allows, and says that it holds records back', async () => {
    const starts: number[] = []
    const run = () => {
      starts.push(performance.now())
    }
    await observe({ run, options: { rateLimit: 50 } }, async ({ cluster, runtime, url }) => {
      for (let i = 0; i < 40; i += 1) produce(cluster, `k${i}`, i)
      const held = await until(runtime, (metrics) => isAssigned(metrics) && handlerOf(metrics).isHeldByRate)
      assert.equal(handlerOf(held).rateLimit, 50)
      assert.equal(await series(url(), 'handler_rate_limit'), 50)
      assert.equal(await series(url(), 'handler_held_by_rate'), 1)
      await until(runtime, isDone(40))
      // 5 at once, and 35 at 50 a second; the first may have begun late.
      const tookMs = (starts.at(-1) ?? 0) - (starts[0] ?? 0)
      assert.ok(tookMs >= 600, `${tookMs} ms`)
      assert.equal(handlerOf(runtime.snapshot()).isHeldByRate, false)
    })
  })

  it('leaves out what is not accepted, without an attempt, and commits beyond it', async () => {
    const ran: number[] = []
    const run = ({ offset }: { readonly offset: number }) => {
      ran.push(offset)
    }
    const accept = ({ key, offset }: UndecodedRecord) => {
      if (offset === 2) throw new TypeError('who is this?')
      return key === 'mine'
    }
    await observe({ run, options: { accept, retry: once } }, async (seen) => {
      const { cluster, runtime, url } = seen
      for (let i = 0; i < 100; i += 1) produce(cluster, i % 10 === 5 || i === 2 ? 'mine' : 'theirs', i)
      await until(runtime, isDone(100))
      assert.deepEqual(ran, [5, 15, 25, 35, 45, 55, 65, 75, 85, 95])
      // Of which it cannot be said whether it is wanted, fails.
      assert.deepEqual(reasonsIn(seen), ['2 handler 1'])
      const page = await (await fetch(`${url()}/metrics`)).text()
      const counts = [...page.matchAll(/^pyrallel_records_total\{.*status="(\w+)"\} (\d+)$/gm)]
      assert.deepEqual(Object.fromEntries(counts.map(([, status, count]) => [status, Number(count)])), {
        ...{ succeeded: 10, filtered: 0, left_out: 89, retried: 0, parked: 0, dead_lettered: 1, dropped: 0 },
      })
    })
  })

  it('cuts a poisoned key off, names it, and leaves the others alone', async () => {
    const ran: string[] = []
    const run = ({ key, offset }: { readonly key: string | null; readonly offset: number }) => {
      ran.push(`${key} ${offset}`)
      if (key === 'bad') throw new Error('no')
    }
    const options = { retry: once, poison: { threshold: 2, cooldown: '1h' } } as const
    await observe({ run, options }, async (seen) => {
      const { cluster, runtime, url, lines } = seen
      for (let i = 0; i < 5; i += 1) produce(cluster, 'bad', i)
      produce(cluster, 'good', 5)
      const metrics = await until(runtime, isDone(6))
      assert.deepEqual(ran.sort(), ['bad 0', 'bad 1', 'good 5'])
      assert.deepEqual(reasonsIn(seen), ['0 handler 1', '1 handler 1', '2 poisoned 0', '3 poisoned 0', '4 poisoned 0'])
      assert.equal(handlerOf(metrics).openBreakers, 1)
      assert.deepEqual(partitionOf(metrics).openBreakerKeys, ['bad'])
      assert.equal(await series(url(), 'handler_open_breakers'), 1)
      assert.equal(await series(url(), 'breakers_opened_total'), 1)
      const [line] = lines.filter(({ message }) => message.startsWith('records of a key are given up'))
      assert.equal(line?.level, 'warn')
      assert.equal(line !== undefined && 'key' in line.fields && line.fields.key, 'bad')
    })
  })

  it('gives up a record that has failed and blocks for too long, whatever attempts it has left', async () => {
    const run = ({ key }: { readonly key: string | null }) => {
      if (key === 'bad') throw new TypeError('no')
    }
    const retry = { attempts: 1_000, backoff: 'fixed', min: '100ms', max: '1h' } as const
    await observe({ run, options: { retry, maxBlocking: '250ms' } }, async (seen) => {
      produce(seen.cluster, 'bad', 0)
      produce(seen.cluster, 'good', 1)
      await until(seen.runtime, isDone(2))
      const [reason = ''] = reasonsIn(seen)
      assert.match(reason, /^0 blocked [2345]$/)
    })
  })

  it('finds its own limit on attempts in flight, and shows where that stands', async () => {
    const run = () => new Promise<void>((resolve) => setTimeout(resolve, 5))
    const options = { concurrency: 30, adaptive: { enabled: true, interval: '100ms' } } as const
    await observe({ run, options }, async ({ cluster, runtime, url }) => {
      const first = await until(runtime, isAssigned)
      assert.equal(handlerOf(first).adaptiveLimit, 8)
      let count = 0
      await until(runtime, (metrics) => {
        const { position } = partitionOf(metrics)
        for (; count < (position ?? 0) + 500; count += 1) produce(cluster, `k${count}`, count)
        return (handlerOf(metrics).adaptiveLimit ?? 0) > 8
      })
      assert.ok((await series(url(), 'handler_adaptive_limit')) >= 8)
      assert.ok(handlerOf(runtime.snapshot()).capacity <= 30)
    })
  })
})

describe('a runtime whose dead-letter topic refuses', () => {
  it('holds the record, and its commit, until the topic has taken it; log, metrics and snapshot say so', async () => {
    const run = () => {
      throw new Error('no')
    }
    await observe({ run, options: { retry: once } }, async (seen) => {
      const { cluster, runtime, url, lines } = seen
      cluster.failProductions(2)
      produce(cluster, 'a', 0)
      const held = await until(runtime, ({ groups }) => groups[0]?.deadLettersWaiting === 1)
      assert.equal(partitionOf(held).blocking?.state, 'dead')
      assert.equal(partitionOf(held).position, 0)
      await until(runtime, isDone(1))
      assert.deepEqual(reasonsIn(seen), ['0 handler 1'])
      assert.equal(await series(url(), 'dead_letter_failures_total'), 2)
      const [line] = lines.filter(({ message }) => message.startsWith('the dead-letter topic has not taken a record'))
      assert.equal(line?.level, 'warn')
      assert.ok(line !== undefined && 'delayMs' in line.fields && line.fields.delayMs === 200)
    })
  })
})

describe('the snapshot of a runtime', () => {
  it('is plain data: JSON carries all of it, whatever keys and errors look like', async () => {
    const run = ({ offset }: { readonly offset: number }) => {
      if (offset % 2 === 0) throw new Error(`\ud800 ${'x'.repeat(500)}`)
      return new Promise<void>((resolve) => setTimeout(resolve, 50))
    }
    const options = {
      rateLimit: 100,
      adaptive: { enabled: true },
      poison: { threshold: 1 },
      retry: { attempts: 2, min: '1m', max: '1m' },
    } as const
    await observe({ run, options }, async ({ cluster, runtime }) => {
      const isPlain = (metrics: SystemMetrics) => assert.deepEqual(JSON.parse(JSON.stringify(metrics)), metrics)
      isPlain(runtime.snapshot())
      for (let i = 0; i < 10; i += 1) {
        const key = Buffer.from([0xff, 0xc3, i])
        cluster.append({ topic: 'orders', key, value: Buffer.from('1'), headers: [] })
      }
      isPlain(await until(runtime, (metrics) => isAssigned(metrics) && partitionOf(metrics).retriesWaiting > 0))
      await runtime.stop()
      isPlain(runtime.snapshot())
    })
  })
})
