/** `inspect offsets` of a name that is a share group's, or may be. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspectOffsets } from '../../../../cli/verbs/inspect-offsets.ts'
import type { ShareGroup, ViewedConnection } from '../../../../framework/kafka/kafka-client.ts'
import { memoryCluster } from '../../../../framework/kafka/memory/client.ts'
import { projectFolder, testIo } from '../test-io.ts'

const shared: ShareGroup = {
  state: 'Stable',
  members: [
    { id: 'm-1', clientId: 'scorer', host: '/10.0.0.7', topics: ['orders', 'payments'], partitions: 3 },
    { id: 'm-2', clientId: 'scorer', host: '/10.0.0.8', topics: ['orders'], partitions: 2 },
  ],
  offsets: [
    { topic: 'orders', partition: 0, startOffset: 3, lag: 5, logStart: 0, logEnd: 10 },
    { topic: 'orders', partition: 1, startOffset: null, lag: null, logStart: 0, logEnd: 4 },
    { topic: 'payments', partition: 0, startOffset: 7, lag: 0, logStart: 2, logEnd: 7 },
  ],
}

interface Look {
  readonly found: ShareGroup | undefined
  readonly topic?: string
  readonly json?: boolean
}

async function inspected({
  found,
  topic,
  json = false,
}: Look): Promise<{ readonly out: string; readonly exit: number }> {
  const io = testIo(projectFolder())
  const options = { brokers: 'a:1', json, ...(topic !== undefined && { topic }) }
  const exit = await inspectOffsets('scores', options, io, async () => connectionWith(async () => found))
  return { out: io.out(), exit }
}

function connectionWith(shareGroup: ViewedConnection['view']['shareGroup']): ViewedConnection {
  const connection = memoryCluster().connection()
  const { topics, logs, groupOffsets } = connection.view
  return { ...connection, view: { topics, logs, groupOffsets, ...(shareGroup && { shareGroup }) } }
}

describe('a share group that is looked at', { timeout: 60_000 }, () => {
  it('is named as one, with its members and where it begins in each partition', async () => {
    const { out, exit } = await inspected({ found: shared })
    assert.equal(exit, 0)
    assert.match(out, /^group scores at memory is a share group: Stable, with 2 members\n/)
    assert.match(
      out,
      /\n {2}m-1 +scorer +\/10\.0\.0\.7 +3 of orders, payments\n {2}m-2 +scorer +\/10\.0\.0\.8 +2 of orders\n/,
    )
    assert.match(
      out,
      /\n {2}orders\[0\] +3 +0\.\.10 +5\n {2}orders\[1\] +none +0\.\.4 +-\n {2}payments\[0\] +7 +2\.\.7 +0\n/,
    )
  })

  it('has no commits that could say what is done out of order, and is told so', async () => {
    const { out } = await inspected({ found: shared })
    assert.match(out, /commits nothing: what is done above a start is known to Kafka's share coordinator alone/)
    assert.match(out, /Pyrallel needs a group of another name/)
    assert.doesNotMatch(out, /run again/)
  })

  it('is shown for one topic alone when that is asked for', async () => {
    const { out } = await inspected({ found: shared, topic: 'payments' })
    assert.match(out, /payments\[0\]/)
    assert.doesNotMatch(out, /orders\[/)
  })

  it('may have nobody, and no start yet', async () => {
    const { out, exit } = await inspected({ found: { state: 'Empty', members: [], offsets: [] } })
    assert.equal(exit, 0)
    assert.match(out, /is a share group: Empty, with 0 members\nIt commits nothing/)
  })

  it('is an object of its own with --json, and its offsets are no commits', async () => {
    const { out } = await inspected({ found: shared, json: true, topic: 'orders' })
    const { group, offsets, shareGroup } = JSON.parse(out)
    assert.deepEqual([group, offsets], ['scores', []])
    assert.deepEqual(shareGroup, { ...shared, offsets: shared.offsets.filter(({ topic }) => topic === 'orders') })
  })
})

describe('a name without commits', { timeout: 60_000 }, () => {
  it('is known to be no share group where the client could ask', async () => {
    const { out, exit } = await inspected({ found: undefined })
    assert.deepEqual([out, exit], ['Nothing is committed for group scores at memory, and it is no share group.\n', 1])
    assert.equal(JSON.parse((await inspected({ found: undefined, json: true })).out).shareGroup, null)
  })

  it('may be a share group where the client cannot ask, and is told who can', async () => {
    const look = async (json: boolean) => {
      const io = testIo(projectFolder())
      assert.equal(
        await inspectOffsets('scores', { brokers: 'a:1', json }, io, async () => connectionWith(undefined)),
        1,
      )
      return io.out()
    }
    const out = await look(false)
    assert.match(
      out,
      /^Nothing is committed for group scores at memory\. This client cannot tell whether it is a share group/,
    )
    assert.match(out, /\n {2}PYRALLEL_KAFKA_CLIENT=javascript npx pyrallel inspect offsets scores --brokers a:1\n/)
    assert.match(out, /\n {2}kafka-share-groups\.sh --bootstrap-server memory --describe --group scores\n$/)
    assert.equal('shareGroup' in JSON.parse(await look(true)), false)
  })
})
