import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { NativeError, NativeGroupDescription } from '../../../../framework/kafka/librdkafka/binding.ts'
import {
  LibrdkafkaView,
  type LibrdkafkaViewOptions,
  wholeMetadata,
} from '../../../../framework/kafka/librdkafka/view.ts'

describe('the metadata of a commit, from a list with what stood behind it and from an answer without its last byte', () => {
  for (const [what, listed, cut, whole] of [
    ["another client's", 'AgAAAZNxw2Y4\u0001junk', 'AgAAAZNxw2Y', 'AgAAAZNxw2Y4'],
    ["another client's, with nothing behind it", 'AgAA', 'AgA', 'AgAA'],
    ['our own, which ends with a NUL', 'P1 ours', 'P1 ours', 'P1 ours'],
    [
      'one that ends with a character of several bytes',
      'ends with \u{1F600}junk',
      'ends with \ufffd',
      'ends with \u{1F600}',
    ],
    ['one character', 'xjunk', '', 'x'],
    ['none', 'junk', null, ''],
    ['of two commits', 'P1 new', 'P1 old', undefined],
  ] as const) {
    it(`is put together: ${what}`, () => assert.equal(wholeMetadata(listed, cut), whole))
  }
})

describe('what a group says that its members have', () => {
  const assignment = (...partitions: readonly number[]) => ({
    topicPartitions: partitions.map((partition) => ({ topic: 'orders', partition })),
  })

  /** A view of which the binding says this of the group, or fails so. */
  function viewOf(groups: readonly NativeGroupDescription[], error?: NativeError, isConnected = true) {
    const asked: unknown[] = []
    const admin = {
      describeGroups(names: readonly string[], _options: object, done: (error: unknown, described: object) => void) {
        asked.push(names)
        done(error, { groups })
      },
    }
    const options = {
      library: { AdminClient: { createFrom: () => admin } },
      client: async () => ({ isConnected: () => isConnected }),
    }
    return { view: new LibrdkafkaView(options as unknown as LibrdkafkaViewOptions), asked }
  }

  it('is told with what each is to have, which is the same for a member of the classic protocol', async () => {
    const members = [
      { clientId: 'a', assignment: assignment(0, 1), targetAssignment: assignment(0) },
      { clientId: 'b', assignment: assignment(2) },
    ]
    const { view, asked } = viewOf([{ members }])
    assert.deepEqual(await view.members('shop'), [
      { clientId: 'a', assigned: assignment(0, 1).topicPartitions, target: assignment(0).topicPartitions },
      { clientId: 'b', assigned: assignment(2).topicPartitions, target: assignment(2).topicPartitions },
    ])
    assert.deepEqual(asked, [['shop']])
  })

  it('is refused with the code of the refusal, of the request or of the group', async () => {
    const refused = { message: 'Broker: Group authorization failed', code: 30 }
    await assert.rejects(viewOf([{ error: refused, members: [] }]).view.members('shop'), { code: 30 })
    await assert.rejects(viewOf([], refused).view.members('shop'), { code: 30 })
  })

  it('is not asked on a connection that is closed', async () => {
    const { view, asked } = viewOf([], undefined, false)
    await assert.rejects(view.members('shop'), { code: 'PYR_CLIENT_CLOSED' })
    assert.deepEqual(asked, [])
  })
})
