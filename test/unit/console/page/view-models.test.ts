import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { backOffMs } from '../../../../framework/console/page/models/back-off.ts'
import { EventStreamParser } from '../../../../framework/console/page/models/event-stream.ts'
import { actionOf } from '../../../../framework/console/page/models/keyboard.ts'
import { withRates } from '../../../../framework/console/page/models/known-rows.ts'
import {
  parsePlace,
  partitionHash,
  placeHash,
  recordHash,
  tokenIn,
} from '../../../../framework/console/page/models/location.ts'
import { bytes, digits, rate, relative, short, span } from '../../../../framework/console/page/models/numbers.ts'
import { cellRuns } from '../../../../framework/console/page/models/ribbon-cells.ts'
import { sparkline } from '../../../../framework/console/page/models/sparkline.ts'
import { verdictText } from '../../../../framework/console/page/models/verdict.ts'
import { laidOut, visibleText } from '../../../../framework/console/page/models/visible-text.ts'
import { type Verdict, verdictKinds } from '../../../../framework/console/protocol.ts'

const verdict: Verdict = {
  kind: 'healthy',
  group: 'shop',
  place: { topic: 'orders', partition: 2, offset: 19 },
  key: 'alice',
  handlerIds: ['ship'],
  sinceAt: 1_000,
  backlog: 12_300,
  rate: 350,
  secondsLeft: 35.1,
}

describe('the view models of the console', () => {
  it('write numbers, sizes and times as people read them', () => {
    assert.equal(digits(1234567), '1,234,567')
    assert.equal(digits(-1234.5), '−1,234.5')
    assert.deepEqual([0, 999, 1_200, 999_600, 5e9].map(bytes), ['0 B', '999 B', '1.2 kB', '1.0 MB', '5.0 GB'])
    assert.deepEqual([0, 0.01, 0.2, 12, 1_500, 2.3e7].map(short), ['0', '<0.1', '0.2', '12', '1.5k', '23M'])
    assert.equal(rate(350), '350/s')
    const spans = [0, 0.4, 340, 4_200, 59_000, 192_000, 3_600_000, 7_500_000, 273_600_000].map(span)
    const told = ['0 ms', '<1 ms', '340 ms', '4.2 s', '59 s', '3 min 12 s', '1 h', '2 h 5 min', '3 d 4 h']
    assert.deepEqual(spans, told)
    assert.deepEqual([relative(0, 12_400), relative(3_000, 0), relative(5, 0)], ['12 s ago', 'in 3.0 s', 'now'])
  })

  it('say every verdict in words, and what to do about a bad one', () => {
    for (const kind of verdictKinds) {
      const { tone, headline, next } = verdictText({ ...verdict, kind }, 66_000)
      assert.ok(headline.length > 0, kind)
      if (tone === 'bad') assert.ok(next.length > 0, kind)
    }
    const { headline, facts } = verdictText({ ...verdict, kind: 'blocked' }, 66_000)
    assert.equal(headline, 'Blocked by orders[2]@19')
    assert.deepEqual(facts, ['key alice', 'for 1 min 5 s', '12,300 records not done', '350/s done'])
    assert.ok(verdictText({ ...verdict, kind: 'catching-up' }, 0).facts.includes('about 36 s left'))
  })

  it('show characters that nobody would see, or that turn text around, as escapes', () => {
    assert.deepEqual(visibleText('a\u0007\u202eb\n'), [
      { text: 'a', isEscape: false },
      { text: '\\x07\\u202e', isEscape: true },
      { text: 'b\n', isEscape: false },
    ])
    assert.deepEqual(visibleText('\ud83d\ude00'), [{ text: '\ud83d\ude00', isEscape: false }])
    assert.deepEqual(visibleText('\ud83d'), [{ text: '\\ud83d', isEscape: true }])
    assert.deepEqual(visibleText(''), [])
  })

  it('lay JSON out only where nothing of it is changed', () => {
    assert.equal(laidOut('{"a": [1]}'), '{\n  "a": [\n    1\n  ]\n}')
    for (const text of ['{"a":653247040368672800123}', '{"a":1', 'plain', '{"a":1.0}']) {
      assert.equal(laidOut(text), undefined, text)
    }
  })

  it('join neighbouring cells of a ribbon, and leave unknown ones blank', () => {
    const runs = cellRuns('ddgx?r').map(({ kind, x, width }) => `${kind} ${x} ${width}`)
    assert.deepEqual(runs, ['done 0 2', 'above 2 1', 'waiting 3 1', 'running 5 1'])
    assert.equal(cellRuns('p')[0]?.kind, 'parked')
    assert.deepEqual(cellRuns(''), [])
  })

  it('draw a line with the largest value at the upper edge', () => {
    assert.equal(sparkline([0, 5, 10], 20, 10), '0,10 10,5 20,0')
    assert.equal(sparkline([0, 0], 20, 10), '0,10 20,10')
    assert.equal(sparkline([1], 20, 10), '')
  })

  it('keep a point of each handler a second, for a minute', () => {
    const row = { group: 'shop', handlerId: 'ship', rate: 7 } as Parameters<typeof withRates>[1][number]
    let history: ReturnType<typeof withRates> = { at: 0, points: new Map() }
    for (let at = 500; at <= 100_000; at += 500) history = withRates(history, [row], at)
    assert.deepEqual(
      [...history.points.values()].map((points) => points.length),
      [60],
    )
    assert.equal(withRates(history, [], 200_000).points.size, 0)
  })

  it('take an event stream apart wherever its pieces end', () => {
    const text = ': hello\r\nid: a-1\nevent: delta\ndata: {"a":\ndata: 1}\n\ndata: x\r\n\r\n'
    for (let size = 1; size <= text.length; size++) {
      const parser = new EventStreamParser()
      const events = Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
        parser.add(text.slice(index * size, (index + 1) * size)),
      ).flat()
      assert.deepEqual(
        events,
        [
          { event: 'delta', data: '{"a":\n1}', id: 'a-1' },
          { event: 'message', data: 'x', id: 'a-1' },
        ],
        `pieces of ${size}`,
      )
    }
  })

  it('find places and the token in the address', () => {
    const place = parsePlace('#/dead-letters?topic=a%26b&letter=2%2F18')
    assert.deepEqual(place, { view: 'dead-letters', query: { topic: 'a&b', letter: '2/18' } })
    assert.deepEqual(parsePlace(placeHash(place)), place)
    assert.equal(parsePlace('#/nowhere').view, 'overview')
    const record = { topic: 'orders.created', partition: 2, offset: 19 }
    assert.equal(recordHash('shop/a?', record), '#/orders.created/2/19?group=shop%2Fa%3F')
    const recordQuery = { topic: 'orders.created', partition: '2', offset: '19' }
    assert.deepEqual(parsePlace('#/orders.created/2/19'), { view: 'record', query: recordQuery })
    const hash = partitionHash({ group: 'shop/a', topic: 'p', partition: 2 })
    assert.equal(hash, '#/p/shop%2Fa/p/2')
    assert.deepEqual(parsePlace(hash), { view: 'partition', query: { group: 'shop/a', topic: 'p', partition: '2' } })
    assert.equal(parsePlace('#/orders.created/2/last').view, 'overview')
    assert.equal(parsePlace('#/%zz/2/1').query.topic, '%zz')
    assert.equal(tokenIn('#abc_-123'), 'abc_-123')
    assert.equal(tokenIn('#/dead-letters'), undefined)
  })

  it('wait longer for each try, and not all for the same time', () => {
    assert.deepEqual(
      [1, 2, 3, 10].map((tries) => backOffMs(tries, 1)),
      [500, 1_000, 2_000, 10_000],
    )
    assert.equal(backOffMs(1, 0), 250)
  })

  it('know keys and pairs of keys', () => {
    assert.deepEqual(actionOf('d', 'g'), { kind: 'go', view: 'dead-letters' })
    assert.deepEqual(actionOf('d', undefined), { kind: 'theme' })
    assert.equal(actionOf('g', undefined), 'wait')
    assert.equal(actionOf('q', undefined), undefined)
  })
})
