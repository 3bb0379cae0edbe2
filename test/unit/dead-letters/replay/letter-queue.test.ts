/** What a replay reads ahead: bounded, and read on only when there is room for much. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LetterQueue } from '../../../../framework/dead-letters/replay/letter-queue.ts'
import type { DueLetter } from '../../../../framework/dead-letters/replay/replay-intake.ts'

function aLetter(bytes: number): DueLetter {
  const record = { topic: 'orders.dlq', partition: 0, offset: 0, key: null, value: Buffer.alloc(bytes) }
  return { letter: { record }, target: 'orders' } as DueLetter
}

describe('the letters that wait to be published', () => {
  for (const [what, bytes, most] of [
    ['in number', 10, 10_000],
    ['in bytes', 1_048_576, 32],
  ] as const) {
    it(`are no more than a limit ${what}, and have room again when half of them are gone`, () => {
      const queue = new LetterQueue()
      let pushed = 0
      for (; queue.hasRoom && pushed < 20_000; pushed += 1) queue.push(aLetter(bytes))
      assert.equal(pushed, most)
      let taken = 0
      for (; !queue.hasRoom && taken < most; taken += 1) queue.take()
      assert.equal(taken, most / 2)
      assert.equal(queue.isEmpty, false)
    })
  }
})
