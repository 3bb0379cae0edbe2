/** The clock of a process. */
import assert from 'node:assert/strict'
import { describe, it, mock } from 'node:test'
import { systemClock } from '../../../framework/time/clock.ts'

describe('the system clock', () => {
  for (const [direction, byMs] of [
    ['back', -3_600_000],
    ['ahead', 3_600_000],
  ] as const) {
    it(`goes on by what has passed when somebody sets the wall clock, back or ahead: ${direction}`, () => {
      const clock = systemClock()
      const before = clock.now()
      const set = Date.now() + byMs
      const wall = mock.method(Date, 'now', () => set)
      try {
        const passed = clock.now() - before
        assert.ok(passed >= 0 && passed < 60_000, `${passed} ms`)
      } finally {
        wall.mock.restore()
      }
    })
  }
})
