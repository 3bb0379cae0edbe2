import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type Finding,
  LateAnswerWatch,
  LOOK_EVERY_MS,
  REJOIN_PAUSE_MS,
  STEADY_MS,
} from '../../../../framework/kafka/librdkafka/late-answer-watch.ts'

const agrees: Finding = { kind: 'agrees' }
const unknown: Finding = { kind: 'unknown' }
const differs = (how = 'holds orders[1]'): Finding => ({ kind: 'differs', how })

/** A watch after an answer that came too late at 0, and its clock. */
function watching() {
  const watch = new LateAnswerWatch()
  let now = 0
  watch.onLateAnswer(now)
  return {
    watch,
    now: () => now,
    /** Each finding at the time that the watch has asked for. */
    look(...findings: readonly Finding[]) {
      return findings.map((finding) => {
        now = watch.nextLookMs ?? now
        return watch.onLook(finding, now).kind
      })
    },
    late: () => watch.onLateAnswer(now),
  }
}

describe('after an answer of the group that came too late', () => {
  it('asks nothing before there was one', () => {
    const watch = new LateAnswerWatch()
    assert.equal(watch.nextLookMs, undefined)
    assert.deepEqual(watch.onLook(differs(), 5), { kind: 'rest' })
    assert.equal(watch.nextLookMs, undefined)
  })

  it('looks a while later, and again after as long', () => {
    const { watch, look } = watching()
    assert.equal(watch.nextLookMs, LOOK_EVERY_MS)
    look(differs())
    assert.equal(watch.nextLookMs, 2 * LOOK_EVERY_MS)
  })

  it('rests when the group has agreed twice, and not after once', () => {
    const { watch, look } = watching()
    assert.deepEqual(look(agrees), ['look-again'])
    assert.notEqual(watch.nextLookMs, undefined)
    assert.deepEqual(look(agrees), ['rest'])
    assert.equal(watch.nextLookMs, undefined)
  })

  it('joins again when the same difference has been there long enough, and rests then', () => {
    const { watch, now, look } = watching()
    assert.deepEqual(look(differs(), differs(), differs()), ['look-again', 'look-again', 'rejoin'])
    assert.equal(now(), LOOK_EVERY_MS + STEADY_MS)
    assert.equal(watch.nextLookMs, undefined)
  })

  it('waits for as long again where the difference is another one, was gone between, or could not be looked at', () => {
    for (const between of [differs('holds orders[2]'), agrees, unknown]) {
      const { look } = watching()
      assert.deepEqual(look(differs(), between, differs(), differs()).includes('rejoin'), false, between.kind)
      assert.deepEqual(look(differs()), ['rejoin'])
    }
  })

  it('takes agreements for what they are only where they follow each other', () => {
    for (const between of [differs(), unknown]) {
      const { look } = watching()
      assert.deepEqual(look(agrees, between, agrees), ['look-again', 'look-again', 'look-again'], between.kind)
      assert.deepEqual(look(agrees), ['rest'])
    }
  })

  it('begins anew with another answer that comes too late, without looking later than it would have', () => {
    const { watch, look, late } = watching()
    look(differs(), differs())
    const next = watch.nextLookMs
    late()
    assert.equal(watch.nextLookMs, next)
    assert.deepEqual(look(differs(), differs(), differs()), ['look-again', 'look-again', 'rejoin'])
  })

  it('watches again after it has rested', () => {
    const { watch, look, late } = watching()
    look(agrees, agrees)
    late()
    assert.equal(watch.nextLookMs, 3 * LOOK_EVERY_MS)
  })

  it('does not join again a second time before the pause is over: it says so once, goes on looking, and does it then', () => {
    const { watch, now, look, late } = watching()
    look(differs(), differs(), differs())
    const rejoinedMs = now()
    late()
    const advice = []
    for (;;) {
      const at = watch.nextLookMs ?? 0
      advice.push({ at, ...watch.onLook(differs(), at) })
      if (advice.at(-1)?.kind === 'rejoin') break
    }
    const waits = advice.filter(({ kind }) => kind === 'wait')
    assert.deepEqual(
      waits.map((each) => 'isNew' in each && each.isNew),
      waits.map((_, index) => index === 0),
    )
    const [first] = waits
    assert.equal(first !== undefined && 'delayMs' in first && first.delayMs + first.at, rejoinedMs + REJOIN_PAUSE_MS)
    const at = advice.at(-1)?.at ?? 0
    assert.ok(at >= rejoinedMs + REJOIN_PAUSE_MS && at < rejoinedMs + REJOIN_PAUSE_MS + LOOK_EVERY_MS, `${at}`)
  })

  it('rests where it is told to', () => {
    const { watch, look, late } = watching()
    look(differs(), differs())
    watch.rest()
    assert.equal(watch.nextLookMs, undefined)
    late()
    assert.deepEqual(look(differs()), ['look-again'])
  })
})
