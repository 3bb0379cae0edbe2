/** What a user is told when nothing listens at the broker's address. Needs the native client, and no broker. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loadLibrdkafka } from '../../../framework/kafka/librdkafka/client.ts'
import { type PyrallelError, toError } from '../../../framework/model/errors.ts'
import type { Logger } from '../../../framework/model/logger.ts'
import { connectUnderTest, skipWithout } from '../../client-under-test.ts'

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }

const whyNot = await loadLibrdkafka().then(
  () => false as const,
  (thrown: unknown) => toError(thrown).message,
)
if (whyNot !== false) console.error(`The tests of unreachable brokers do not run here. ${whyNot}`)

describe('a broker that is not there', { skip: whyNot }, () => {
  // Port 1 is reserved, and nothing listens there.
  const options = { brokers: '127.0.0.1:1', clientId: 'test', log: quiet } as const

  it('is reported with its address, the reason and the next step, within the time given', async () => {
    const connection = await connectUnderTest(options)
    const start = performance.now()
    await assert.rejects(connection.check(500), (error: PyrallelError) => {
      assert.equal(error.code, 'PYR_BROKER_UNREACHABLE')
      assert.ok(error.retriable)
      assert.match(error.message, /127\.0\.0\.1:1 within 500 ms/)
      assert.match(error.message, /Connection refused|ECONNREFUSED/)
      assert.match(error.message, /\)\. Start one there, or correct `brokers`\.$/)
      return true
    })
    assert.ok(performance.now() - start < 3_000)
    await connection.close()
  })

  it('is reported with the next step of whoever knows where the address was written', async () => {
    const connection = await connectUnderTest({ ...options, ifUnreachable: 'Look into the cellar.' })
    await assert.rejects(connection.check(200), { message: /\)\. Look into the cellar\.$/ })
    await connection.close()
  })

  it('can be checked again, for one that comes up later', async () => {
    const connection = await connectUnderTest(options)
    for (let attempt = 0; attempt < 2; attempt++) {
      await assert.rejects(connection.check(200), { code: 'PYR_BROKER_UNREACHABLE' })
    }
    await connection.close()
  })

  it('does not hide a property that librdkafka does not know', {
    skip: skipWithout('settings of librdkafka'),
  }, async () => {
    const connection = await connectUnderTest({ ...options, librdkafka: { 'no.such.thing': 1 } })
    await assert.rejects(connection.check(200), { code: 'PYR_CONFIG_INVALID', message: /no\.such\.thing/ })
  })
})
