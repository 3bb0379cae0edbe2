/** The options of the wire in the client in JavaScript: what is handed to its connections, and what a fetch says. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { ErrorReport } from '../../../../framework/kafka/faults/error-report.ts'
import type {
  JavascriptLibrary,
  KafkaWriter,
  LibraryConnectionOptions,
} from '../../../../framework/kafka/javascript/binding.ts'
import type { Brokers } from '../../../../framework/kafka/javascript/brokers.ts'
import type { ApiCall } from '../../../../framework/kafka/javascript/call.ts'
import { connectJavascript } from '../../../../framework/kafka/javascript/client.ts'
import { Fetcher } from '../../../../framework/kafka/javascript/fetcher.ts'
import { requestTimeoutMs } from '../../../../framework/kafka/javascript/settings.ts'
import type { TopicNames } from '../../../../framework/kafka/javascript/topic-names.ts'
import type { FetchSettings, WireSettings } from '../../../../framework/model/settings.ts'
import { ManualClock } from '../../../../framework/testing/manual-clock.ts'
import { recordedLog } from '../recorded-log.ts'

/** What the first connection to a broker is made with, and whether it is kept alive. */
async function firstConnection(wire: WireSettings) {
  const made: LibraryConnectionOptions[] = []
  let isKeptAlive = false
  class Connection {
    readonly socket = {
      prependListener() {},
      removeListener() {},
      setKeepAlive: (on: boolean) => {
        isKeptAlive = on
      },
      destroy() {},
    }
    constructor(_clientId: string, options: LibraryConnectionOptions) {
      made.push(options)
    }
    on() {}
    connect(_host: string, _port: number, done: () => void) {
      done()
    }
    close() {}
    send() {}
  }
  const { log } = recordedLog()
  const options = { brokers: 'b:9092', clientId: 'me', log, clock: new ManualClock(), ...wire }
  const connection = await connectJavascript(options, async () => ({ Connection, TimeoutError: Error }))
  const checked = connection.check(1_000).catch(() => {})
  while (made.length === 0) await nextTurn()
  await nextTurn()
  void checked
  const [of] = made
  return { connectTimeout: of?.connectTimeout, requestTimeout: of?.requestTimeout, isKeptAlive }
}

/** The numbers of 32 bits with which the first fetch of one partition begins, and those of its partition. */
async function firstFetch(fetch: Partial<FetchSettings>, rack?: string) {
  const of = { topicId: 'a3c5f4b0-0000-4000-8000-000000000001', partition: 0 }
  let call: ApiCall<unknown> | undefined
  const partitions = [{ partition: 0, leader: 1, leaderEpoch: 0, code: 0 }]
  const brokers = {
    node: () => ({
      call: (asked: ApiCall<unknown>) => {
        call ??= asked
        return new Promise(() => {})
      },
    }),
    topicsById: () => Promise.resolve([{ id: of.topicId, name: 'orders', code: 0, partitions }]),
  }
  const clock = new ManualClock()
  const { log } = recordedLog()
  const fetcher = new Fetcher({
    brokers: brokers as unknown as Brokers,
    names: { nameOf: () => 'orders' } as unknown as TopicNames,
    library: {} as JavascriptLibrary,
    clock,
    log,
    errors: new ErrorReport(log, clock),
    fetch,
    rack,
    onRecords() {},
  })
  fetcher.assign([{ ...of, position: 0 }])
  while (call === undefined) await nextTurn()
  fetcher.stop()
  const numbers: number[] = []
  const texts: string[] = []
  const writer = new Proxy({} as KafkaWriter, {
    get: (_target, method) => (value: unknown, write?: (writer: KafkaWriter, each: unknown) => void) => {
      if (method === 'appendInt32') numbers.push(value as number)
      if (method === 'appendString') texts.push(value as string)
      if (method === 'appendArray') for (const each of value as readonly unknown[]) write?.(writer, each)
      return writer
    },
  })
  call.write(writer, 17)
  return {
    maxWait: numbers[0],
    minBytes: numbers[1],
    maxBytes: numbers[2],
    ofPartition: numbers.at(-1),
    rack: texts.at(-1),
  }
}

describe('the options of the wire in the client in JavaScript', { timeout: 10_000 }, () => {
  it('are those of its connections', async () => {
    const own = { connectTimeoutMs: 5_000, requestTimeoutMs: 2_000, keepAlive: false }
    assert.deepEqual(await firstConnection(own), { connectTimeout: 5_000, requestTimeout: 2_000, isKeptAlive: false })
    const none = { connectTimeout: 10_000, requestTimeout: 10_000, isKeptAlive: true }
    assert.deepEqual(await firstConnection({}), none)
  })

  it('bound what a commit or a fetch may take, and questions about the cluster where they are shorter', () => {
    const of = (own?: number) =>
      (['control', 'group', 'data'] as const).map((purpose) => requestTimeoutMs(purpose, { requestTimeoutMs: own }))
    assert.deepEqual(of(), [10_000, 30_000, 30_000])
    assert.deepEqual(of(60_000), [10_000, 60_000, 60_000])
    assert.deepEqual(of(2_000), [2_000, 2_000, 2_000])
  })

  it('are what a fetch asks for', async () => {
    assert.deepEqual(
      await firstFetch({ minBytes: 10, maxWaitMs: 700, maxBytes: 2_000_000, maxBytesPerPartition: 5_000 }, 'eu-1a'),
      {
        maxWait: 700,
        minBytes: 10,
        maxBytes: 2_000_000,
        ofPartition: 5_000,
        rack: 'eu-1a',
      },
    )
    const { maxWait, minBytes, maxBytes, rack } = await firstFetch({})
    assert.deepEqual([maxWait, minBytes, maxBytes, rack], [100, 1, 1_048_576, ''])
    assert.equal((await firstFetch({ maxWaitMs: 1_000 })).maxWait, 200, 'a fifth, where the first byte is an answer')
  })
})
