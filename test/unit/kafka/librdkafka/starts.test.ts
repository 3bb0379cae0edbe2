/** Where a consumer begins partitions for which its group has committed nothing, and that it guesses nothing; played by a scripted native client. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ASSIGN, REVOKE, scripted } from '../scripted-consumer.ts'

const p = (partition: number) => ({ topic: 'orders', partition })
const at = (partition: number, offset: number) => ({ ...p(partition), offset })
const begun = (partition: number, position?: number) => ({ ...p(partition), position, metadata: '' })
/** As librdkafka calls the first record of a log. */
const BEGINNING = -2
const ASK_AGAIN_MS = 500

/** With `latest`, and a topic of four partitions whose logs end at 10, 20, 30 and 40. */
async function latest() {
  const played = await scripted({ startFrom: 'latest' })
  played.native.partitions = 4
  for (const partition of [0, 1, 2, 3]) played.native.logEnds.set(partition, 10 * (partition + 1))
  const askAgain = async () => {
    await played.clock.advanceAndSettle(ASK_AGAIN_MS)
    await played.settle()
  }
  return { ...played, askAgain }
}

const ends = [at(0, 10), at(1, 20), at(2, 30), at(3, 40)]

describe('with `latest`, a topic of which the group has committed nothing', () => {
  it('has the ends of all its partitions committed in one request before anything of it begins', async () => {
    const { native, told, rebalance, answerCommit, settle } = await latest()
    await rebalance(ASSIGN, [p(0), p(1)])
    await settle()
    assert.deepEqual(native.named('commit'), [[ends]])
    assert.deepEqual([told, native.named('incrementalAssign')], [[], []])
    answerCommit(undefined, ends)
    await settle()
    assert.deepEqual(told, [['assigned', begun(0, 10), begun(1, 20)]])
    assert.deepEqual(native.named('incrementalAssign'), [[[at(0, 10), at(1, 20)]]])
  })

  it('begins, for a member without its partition 0, where the owner of that one has committed', async () => {
    const { native, told, lines, rebalance, settle, askAgain } = await latest()
    await rebalance(ASSIGN, [p(2), p(3)])
    await settle()
    assert.deepEqual([told, native.named('incrementalAssign')], [[], [[[]]]])
    await askAgain()
    native.committedAnswers.push([at(2, 30), at(3, 40)])
    await askAgain()
    assert.deepEqual(told, [['assigned', begun(2, 30), begun(3, 40)]])
    assert.deepEqual(native.named('incrementalAssign').slice(1), [[[at(2, 30), at(3, 40)]]])
    assert.deepEqual(native.named('commit'), [])
    assert.equal(lines.filter(({ message }) => message.includes('waiting for the owner')).length, 1)
  })

  it('begins where the owner of partition 0 commits between its two questions: not at the first records, as an old topic would', async () => {
    const { native, told, rebalance, settle, askAgain } = await latest()
    native.committedAnswers.push([p(2), p(3)], ends, [at(2, 30), at(3, 40)])
    await rebalance(ASSIGN, [p(2), p(3)])
    await settle()
    await askAgain()
    assert.deepEqual(told, [['assigned', begun(2, 30), begun(3, 40)]])
    assert.deepEqual(native.named('commit'), [])
  })

  it('begins at the ends of its own partitions only, when the owner of partition 0 commits nothing for a minute', async () => {
    const { native, told, rebalance, answerCommit, settle, askAgain } = await latest()
    await rebalance(ASSIGN, [p(2)])
    await settle()
    for (let waited = 0; waited < 60_000; waited += ASK_AGAIN_MS) {
      assert.deepEqual(native.named('commit'), [])
      await askAgain()
    }
    assert.deepEqual(native.named('commit'), [[[at(2, 30)]]])
    answerCommit(undefined, [at(2, 30)])
    await settle()
    assert.deepEqual(told, [['assigned', begun(2, 30)]])
  })

  it('does not begin while the end of one of its logs is not told, and then at the ends as they were first told', async () => {
    const { native, told, lines, rebalance, answerCommit, settle, askAgain } = await latest()
    native.logEnds.set(3, -1)
    await rebalance(ASSIGN, [p(0)])
    await settle()
    assert.deepEqual([told, native.named('commit')], [[], []])
    assert.deepEqual(
      lines.map(({ level, fields }) => [level, fields]),
      [['warn', { topic: 'orders', asked: 4, told: 3 }]],
    )
    native.logEnds.set(0, 11).set(3, 40)
    await askAgain()
    assert.deepEqual(native.named('commit'), [[ends]])
    answerCommit(undefined, ends)
    await settle()
    assert.deepEqual(told, [['assigned', begun(0, 10)]])
  })

  it('does not begin while the commit of its ends is refused, or unanswered for five seconds', async () => {
    const { native, clock, told, lines, rebalance, answerCommit, settle, askAgain } = await latest()
    await rebalance(ASSIGN, [p(0)])
    await settle()
    answerCommit({ message: 'coordinator loading', code: 14 }, ends)
    await settle()
    assert.deepEqual([told, native.named('incrementalAssign')], [[], [[[]]]])
    await askAgain()
    await clock.advanceAndSettle(5_000)
    assert.equal(native.named('commit').length, 2)
    assert.deepEqual(told, [])
    await askAgain()
    answerCommit(undefined, ends)
    answerCommit(undefined, ends)
    await settle()
    assert.deepEqual(told, [['assigned', begun(0, 10)]])
    assert.match(lines[0]?.message ?? '', /first positions of a topic could not be committed/)
  })

  it('begins at its first records when this member had it before: it was made anew', async () => {
    const { native, told, rebalance, answerCommit, settle } = await latest()
    native.committedAnswers.push([at(0, 10)])
    await rebalance(ASSIGN, [p(0)])
    await rebalance(REVOKE, [p(0)])
    native.partitions = 2
    native.logStarts.set(1, 2)
    await rebalance(ASSIGN, [p(0), p(1)])
    await settle()
    const firsts = [at(0, 0), at(1, 2)]
    assert.deepEqual(native.named('commit'), [[firsts]])
    answerCommit(undefined, firsts)
    await settle()
    assert.deepEqual(told.at(-1), ['assigned', begun(0, 0), begun(1, 2)])
  })
})

describe('a partition without a committed position', () => {
  it('begins at its first record, with `latest` too, where the group has committed for others of its topic', async () => {
    const { native, told, rebalance, settle } = await latest()
    native.committedAnswers.push([at(0, 7), p(3)], [at(0, 7), p(1), p(2), p(3)])
    await rebalance(ASSIGN, [p(0), p(3)])
    await settle()
    assert.deepEqual(told, [['assigned', begun(0, 7), begun(3)]])
    assert.deepEqual(native.named('incrementalAssign'), [[[at(0, 7), at(3, BEGINNING)]]])
    assert.deepEqual(native.named('commit'), [])
  })

  it('is looked up among all partitions of its topic, not only the assigned ones', async () => {
    const { native, rebalance, settle } = await latest()
    native.committedAnswers.push([p(0)], [p(0), p(1), p(2), at(3, 5)])
    await rebalance(ASSIGN, [p(0)])
    await settle()
    assert.deepEqual(native.named('committed'), [[[p(0)]], [[p(0), p(1), p(2), p(3)]]])
    assert.deepEqual(native.named('incrementalAssign'), [[[at(0, BEGINNING)]]])
  })

  for (const startFrom of ['earliest', 'latest'] as const) {
    it(`does not begin while its look-up is refused, with '${startFrom}', however often; the others have begun`, async () => {
      const { native, clock, told, errors, rebalance } = await scripted({ startFrom })
      const refused = [new Error('Broker: Topic authorization failed'), at(1, 7)]
      native.committedAnswers.push(refused)
      await rebalance(ASSIGN, [p(0), p(1)])
      assert.deepEqual(told, [['assigned', begun(1, 7)]])
      for (let round = 0; round < 20; round++) {
        native.committedAnswers.push([refused[0] as Error])
        await clock.advanceAndSettle(ASK_AGAIN_MS)
      }
      assert.equal(told.length, 1)
      native.committedAnswers.push([at(0, 3)])
      await clock.advanceAndSettle(ASK_AGAIN_MS)
      assert.deepEqual(told.slice(1), [['assigned', begun(0, 3)]])
      assert.deepEqual(native.named('incrementalAssign'), [[[at(1, 7)]], [[at(0, 3)]]])
      assert.equal(errors.length, 21)
    })
  }

  it('is not begun any more when it was taken away before its look-up was answered', async () => {
    const { native, clock, told, rebalance } = await scripted()
    native.committedAnswers.push([new Error('refused'), at(1, 7)])
    await rebalance(ASSIGN, [p(0), p(1)])
    await rebalance(REVOKE, [p(0)])
    await clock.advanceAndSettle(10_000)
    assert.deepEqual(told, [['assigned', begun(1, 7)]])
    assert.deepEqual(native.named('incrementalUnassign'), [[[]]])
    assert.equal(clock.pendingTimers, 0)
  })

  it('is waited for by an eager group, which takes an assignment only whole', async () => {
    const { native, clock, told, rebalance } = await scripted()
    native.protocol = 'EAGER'
    native.committedAnswers.push([new Error('refused'), at(1, 7)], [at(0, 3)])
    await rebalance(ASSIGN, [p(0), p(1)])
    assert.deepEqual([told, native.named('assign')], [[], []])
    await clock.advanceAndSettle(ASK_AGAIN_MS)
    assert.deepEqual(native.named('assign'), [[[at(1, 7), at(0, 3)]]])
    assert.deepEqual(told, [['assigned', begun(1, 7), begun(0, 3)]])
  })
})

describe('a partition with the metadata of another tool, which librdkafka tells without its last character', () => {
  const isForeign = (metadata: string) => metadata.startsWith('R')

  it('begins with the whole of it, and with the end of its log', async () => {
    const asked: unknown[] = []
    const ask = async (partitions: readonly object[]) => {
      asked.push(partitions)
      return [{ ...p(1), position: 7, metadata: 'R9-105' }]
    }
    const { native, told, rebalance, settle } = await scripted({ foreign: { isForeign, ask } })
    for (const partition of [0, 1, 2]) native.logEnds.set(partition, 200)
    native.committedAnswers.push([{ ...at(0, 3), metadata: 'P1 ours' }, { ...at(1, 7), metadata: 'R9-10' }, at(2, 5)])
    await rebalance(ASSIGN, [p(0), p(1), p(2)])
    await settle()
    assert.deepEqual(asked, [[p(1)]])
    assert.deepEqual(told, [
      [
        'assigned',
        { ...begun(0, 3), metadata: 'P1 ours', logEnd: 200 },
        { ...begun(1, 7), metadata: 'R9-105', logEnd: 200 },
        begun(2, 5),
      ],
    ])
  })

  for (const [what, answers] of [
    ['is not told', [undefined, []]],
    ['is told of other partitions only', [[{ ...p(0), position: 1, metadata: 'R5' }]]],
  ] as const) {
    it(`does not begin while the whole ${what}, and is asked for again; others do not wait`, async () => {
      const waiting: (readonly object[] | undefined)[] = [...answers]
      const ask = async () => {
        const answer = waiting.length > 0 ? waiting.shift() : [{ ...p(1), position: 7, metadata: 'R9-105' }]
        if (answer === undefined) throw new Error('no broker')
        return answer as []
      }
      const { native, clock, told, lines, rebalance, settle } = await scripted({ foreign: { isForeign, ask } })
      native.logEnds.set(1, 200)
      const cut = { ...at(1, 7), metadata: 'R9-10' }
      native.committedAnswers.push([at(0, 3), cut], ...answers.map(() => [cut]))
      await rebalance(ASSIGN, [p(0), p(1)])
      await settle()
      for (let round = 0; round < answers.length; round++) {
        assert.deepEqual(told, [['assigned', begun(0, 3)]])
        await clock.advanceAndSettle(ASK_AGAIN_MS)
        await settle()
      }
      assert.deepEqual(told.slice(1), [['assigned', { ...begun(1, 7), metadata: 'R9-105', logEnd: 200 }]])
      assert.match(JSON.stringify(lines), /the metadata of another tool was not told whole/)
    })
  }

  it('does not begin while the end of its log is not told', async () => {
    const ask = async () => [{ ...p(1), position: 7, metadata: 'R9-105' }]
    const { native, clock, told, rebalance, settle } = await scripted({ foreign: { isForeign, ask } })
    native.logEnds.set(1, -1)
    const cut = { ...at(1, 7), metadata: 'R9-10' }
    native.committedAnswers.push([cut], [cut])
    await rebalance(ASSIGN, [p(1)])
    await settle()
    assert.deepEqual(told, [])
    native.logEnds.set(1, 200)
    await clock.advanceAndSettle(ASK_AGAIN_MS)
    await settle()
    assert.deepEqual(told, [['assigned', { ...begun(1, 7), metadata: 'R9-105', logEnd: 200 }]])
  })

  it('begins with what was told where nobody asks for more', async () => {
    const { native, told, rebalance, settle } = await scripted()
    native.logEnds.set(1, -1)
    native.committedAnswers.push([{ ...at(1, 7), metadata: 'R9-10' }])
    await rebalance(ASSIGN, [p(1)])
    await settle()
    assert.deepEqual(told, [['assigned', { ...begun(1, 7), metadata: 'R9-10' }]])
  })
})
