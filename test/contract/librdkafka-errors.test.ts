/** That errors are counted by what the real binding gives: an event has no code, so its text must tell the same as the code would. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { clientErrorCode } from '../../framework/kafka/faults/codes.ts'
import { connectLibrdkafka } from '../../framework/kafka/librdkafka/client.ts'
import { nativeError } from '../../framework/kafka/librdkafka/errors.ts'
import type { PyrallelError } from '../../framework/model/errors.ts'
import { clientErrorCodes } from '../../framework/model/events.ts'
import type { Logger } from '../../framework/model/logger.ts'

interface BindingErrors {
  readonly codes: Readonly<Record<string, number>>
  create(of: number | Error): Error & { readonly code: number }
}

const errors = await import('@confluentinc/kafka-javascript/lib/error.js' as string).then(
  (module: { default: BindingErrors }) => module.default,
  () => undefined,
)

describe('an error event of the binding', {
  skip: errors === undefined && 'the native client is not there',
  timeout: 60_000,
}, () => {
  // As its lib/client.js makes one: of an error that has the text of the code.
  const eventOf = ({ create }: BindingErrors, code: number) => create(new Error(create(code).message))

  it('carries no code, whatever it is', () => {
    assert.ok(errors)
    for (const code of Object.values(errors.codes)) assert.equal(eventOf(errors, code).code, -1)
  })

  it('is counted as its code would be', () => {
    assert.ok(errors)
    const counted = new Set<string>()
    for (const [name, code] of Object.entries(errors.codes)) {
      const expected = clientErrorCode({ code })
      assert.equal(clientErrorCode(nativeError(eventOf(errors, code))), expected, name)
      counted.add(expected)
    }
    assert.deepEqual([...counted].sort(), [...clientErrorCodes].sort())
  })

  it('of a single partition is counted as its code would be, too', () => {
    assert.ok(errors)
    for (const [name, code] of Object.entries(errors.codes)) {
      const ofPartition: Error = new Error(errors.create(code).message)
      assert.equal(clientErrorCode(nativeError(ofPartition)), clientErrorCode({ code }), name)
    }
  })
})

describe('settings that librdkafka refuses', {
  skip: errors === undefined && 'the native client is not there',
  timeout: 60_000,
}, () => {
  it('are told as settings, and not as a broker that does not answer: also where none has answered before, and not counted', async () => {
    const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }
    const connection = await connectLibrdkafka({
      brokers: '127.0.0.1:1',
      clientId: 'test',
      groupProtocol: 'consumer',
      librdkafka: { 'fetch.max.bytes': 500_000 },
      log: quiet,
    })
    const counted: string[] = []
    const onError = (code: string) => counted.push(code)
    try {
      await assert.rejects(connection.check(500), { code: 'PYR_BROKER_UNREACHABLE' })
      const opened = connection.consumer({ group: 'g', startFrom: 'earliest', onError })
      await assert.rejects(opened, (error: PyrallelError) => {
        assert.equal(error.code, 'PYR_CONFIG_INVALID')
        assert.match(error.message, /`fetch\.max\.bytes` must be >= `message\.max\.bytes`.*kafka\.librdkafka/)
        return true
      })
      assert.deepEqual(counted, [])
    } finally {
      await connection.close()
    }
  })
})
