/** What handlers log, as `pyrallel dev` shows it on a terminal. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LogFold } from '../../../../../cli/dev/view/log-fold.ts'
import { createLogger } from '../../../../../framework/observability/logger.ts'
import { prettyLine } from '../../../../../framework/observability/pretty-line.ts'
import { ManualClock } from '../../../../../framework/testing/manual-clock.ts'

function aLog() {
  const clock = new ManualClock()
  const lines: string[] = []
  // The time of day differs between machines.
  const write = (line: string) => lines.push(prettyLine(line, false).slice(9).trimEnd())
  const fold = new LogFold({ clock, write })
  const log = createLogger({ level: 'debug', pretty: false }, { write: (line) => fold.write(line) })
  const of = (handler: string) =>
    log.child({ handler, topic: 'invoices', partition: 1, offset: 7, key: 'c1', attempt: 1 })
  return { clock, lines, fold, log, of }
}

const times = (count: number, act: (n: number) => void) => {
  for (let n = 1; n <= count; n++) act(n)
}

describe('log lines of handlers in dev', () => {
  it('leave out what the line of their record says', () => {
    const { lines, fold, of } = aLog()
    of('send-invoice').info({ amount: 5 }, 'invoice sent')
    fold.close()
    assert.deepEqual(lines, ['info  invoice sent  handler=send-invoice amount=5'])
  })

  it('are one line per message and second where there are more than 20', () => {
    const { clock, lines, fold, of } = aLog()
    times(42, (n) => of('send-invoice').info({ amount: n }, 'invoice sent'))
    of('charge').info({ id: 'o1' }, 'charged')
    assert.equal(lines.length, 20)
    clock.advance(1_000)
    assert.deepEqual(lines.slice(20), [
      'info  invoice sent × 22  handler=send-invoice',
      'info  charged  handler=charge id=o1',
    ])
    // The next second is summed up from its beginning, and the one after a quiet one is not.
    times(3, () => of('send-invoice').info({}, 'invoice sent'))
    assert.equal(lines.length, 22)
    clock.advance(1_000)
    assert.equal(lines.at(-1), 'info  invoice sent × 3  handler=send-invoice')
    of('send-invoice').info({}, 'invoice sent')
    assert.equal(lines.at(-1), 'info  invoice sent  handler=send-invoice')
    clock.advance(1_000)
    assert.equal(clock.pendingTimers, 0)
    fold.close()
  })

  it('stay whole where someone should look: warnings, errors, and what no handler has said', () => {
    const { lines, fold, log, of } = aLog()
    times(30, () => of('charge').info({}, 'charged'))
    lines.splice(0)
    times(2, () => of('charge').warn({ cents: 1 }, 'an odd amount'))
    of('charge').error({}, 'no amount')
    log.info({ groups: 1 }, 'started')
    const place = 'handler=charge topic=invoices partition=1 offset=7 key=c1 attempt=1'
    assert.deepEqual(lines, [
      `warn  an odd amount  ${place} cents=1`,
      `warn  an odd amount  ${place} cents=1`,
      `error no amount  ${place}`,
      'info  started  groups=1',
    ])
    fold.close()
  })

  it('are all told at the end', () => {
    const { clock, lines, fold, of } = aLog()
    times(25, () => of('charge').info({}, 'charged'))
    fold.close()
    assert.equal(lines.at(-1), 'info  charged × 5  handler=charge')
    assert.equal(clock.pendingTimers, 0)
  })
})
