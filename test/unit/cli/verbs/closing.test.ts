/** Verbs that ask a cluster: what they open is closed, and a connection that cannot be closed hides nothing. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { withTopic } from '../../../../cli/dlq/open-topic.ts'
import { failuresOf } from '../../../../cli/terminal/failure.ts'
import { inspectOffsets } from '../../../../cli/verbs/inspect-offsets.ts'
import { send } from '../../../../cli/verbs/send.ts'
import { topics } from '../../../../cli/verbs/topics.ts'
import type { ViewedConnection } from '../../../../framework/kafka/kafka-client.ts'
import { PyrallelError, toError } from '../../../../framework/model/errors.ts'
import { projectFolder, testIo } from '../test-io.ts'

const unreachable = new PyrallelError('PYR_BROKER_UNREACHABLE', 'No broker answers.')
const connection = {
  check: () => Promise.reject(unreachable),
  close: () => Promise.reject(new Error('not now')),
} as unknown as ViewedConnection
const connect = async () => connection
const io = () =>
  testIo(
    projectFolder({
      'pyrallel.config.ts': "export default { group: 'shop' }\n",
      'generated/routes.ts': 'export const routes = []\n',
    }),
  )

for (const [verb, run] of [
  ['send', () => send('orders', '1', { count: 1, seed: 1 }, io(), connect)],
  ['topics', () => topics({ partitions: 1 }, io(), connect)],
  ['inspect offsets', () => inspectOffsets('shop', {}, io(), connect)],
  ['dlq', () => withTopic('orders.shop.dlq', {}, io(), connect, async () => 0)],
] as const) {
  it(`pyrallel ${verb} tells what ended it first, then that the connection could not be closed`, async () => {
    const failures = await run().then(() => assert.fail('it did not reject'), failuresOf)
    assert.deepEqual(
      failures.map((each) => toError(each).message),
      [unreachable.message, 'the connection could not be closed: not now'],
    )
  })
}
