/** What an output must keep to before it is kept. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PyrallelError } from '../../../framework/model/errors.ts'
import type { OutgoingRecord } from '../../../framework/model/record.ts'
import { outputBytes, outputRules, refuseTooLarge } from '../../../framework/publishing/output-rules.ts'
import { publishInto } from '../../../framework/publishing/publisher.ts'

function aCluster(...topics: string[]) {
  const asked: (readonly string[])[] = []
  return {
    topics: new Set(topics),
    asked,
    missingTopics: async function (this: { topics: Set<string> }, names: readonly string[]) {
      asked.push(names)
      return names.filter((name) => !this.topics.has(name))
    },
  }
}

const record: OutgoingRecord = {
  topic: 'out',
  key: Buffer.from('k'),
  value: Buffer.from('four'),
  headers: [
    ['é', Buffer.from('x')],
    ['none', null],
  ],
}

describe('the topic of an output', () => {
  it('is asked about once, by all that ask meanwhile together', async () => {
    const cluster = aCluster('out')
    const rules = outputRules(cluster, 1_000)
    await Promise.all([rules.requireTopic('out'), rules.requireTopic('out')])
    assert.equal(rules.requireTopic('out'), undefined)
    assert.deepEqual(cluster.asked, [['out']])
  })

  it('is refused where it does not exist, and asked about again, as somebody may make it', async () => {
    const cluster = aCluster()
    const rules = outputRules(cluster, 1_000)
    const message = 'The record was not kept: topic out does not exist on the broker. Create it, or check its name.'
    await assert.rejects(rules.requireTopic('out')!, { code: 'PYR_TOPIC_UNKNOWN', message })
    cluster.topics.add('out')
    await rules.requireTopic('out')
    assert.equal(rules.requireTopic('out'), undefined)
  })

  it('is not known to exist where nobody could say', async () => {
    const unreachable = new PyrallelError('PYR_BROKER_UNREACHABLE', 'nobody answers')
    let isUp = false
    const missingTopics = async () => {
      if (!isUp) throw unreachable
      return []
    }
    const rules = outputRules({ missingTopics }, 1_000)
    await assert.rejects(rules.requireTopic('out')!, unreachable)
    isUp = true
    await rules.requireTopic('out')
    assert.equal(rules.requireTopic('out'), undefined)
  })

  it('need not exist where producers make it', async () => {
    const cluster = aCluster()
    await outputRules({ ...cluster, makesTopics: true }, 1_000).requireTopic('out')
    assert.deepEqual(cluster.asked, [])
  })
})

describe('the size of outputs', () => {
  it('may be a quarter of limits.maxBytes for one attempt, and what the client takes for one record', () => {
    const { maxAttemptBytes, maxRecordBytes } = outputRules({ ...aCluster(), maxRecordBytes: 50 }, 1_003)
    assert.deepEqual([maxAttemptBytes, maxRecordBytes], [250, 50])
  })

  it('counts key, value, and names and values of headers as they are on the wire', () => {
    assert.equal(outputBytes(record), 96 + 12)
    refuseTooLarge(record, 12)
    refuseTooLarge(record, undefined)
    const message = /not kept for out: it has 12 bytes, and the client \(message\.max\.bytes\) takes 11/
    assert.throws(() => refuseTooLarge(record, 11), { code: 'PYR_RECORD_TOO_LARGE', message })
  })
})

describe('publishing into sinks', () => {
  it('gives each record to the sink of its call', async () => {
    const into = publishInto()
    const [one, other]: OutgoingRecord[][] = [[], []]
    await into(async (each) => void one!.push(each))('out', 1)
    await into(async (each) => void other!.push(each))('out', 2)
    assert.deepEqual(
      [one, other].map((all) => all!.map(({ value }) => value?.toString())),
      [['1'], ['2']],
    )
  })

  it('gives no sink what its schema refuses', async () => {
    const kept: OutgoingRecord[] = []
    const publish = publishInto()(async (each) => void kept.push(each))
    await assert.rejects(publish('out', undefined), { code: 'PYR_SCHEMA' })
    assert.deepEqual(kept, [])
  })
})
