import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { StreamCopy } from '../../../../framework/console/page/models/stream-copy.ts'
import { TabWants } from '../../../../framework/console/page/models/tab-wants.ts'
import { MAX_LIVE, MAX_RIBBONS } from '../../../../framework/console/protocol-stream.ts'

const many = (of: string) => Array.from({ length: MAX_RIBBONS }, (_, index) => `${of}/${index}`)
const shows = (partitions: readonly string[], live?: string) => ({ partitions, live })

describe('what tabs want of the stream that they share', () => {
  it('is the union of what they show, without doubles and in one order', () => {
    const wants = new TabWants()
    assert.equal(wants.set('a', shows(['g/t/2', 'g/t/1']), 0), true)
    assert.equal(wants.set('a', shows(['g/t/2', 'g/t/1']), 0), false)
    assert.equal(wants.set('a', shows(['g/t/3', 'g/t/1']), 0), true)
    assert.deepEqual(wants.partitions(shows(['g/t/1', 'g/t/0'])), ['g/t/0', 'g/t/1', 'g/t/3'])
    assert.deepEqual(new TabWants().partitions(shows([])), [])
  })

  it('is no more than a stream takes, shared fairly', () => {
    const wants = new TabWants()
    wants.set('a', shows(many('a')), 0)
    wants.set('b', shows(many('b')), 0)
    const union = wants.partitions(shows(['own/0']))
    assert.equal(union.length, MAX_RIBBONS)
    assert.ok(union.includes('own/0'))
    assert.ok(Math.abs(union.filter((each) => each.startsWith('a')).length - MAX_RIBBONS / 2) <= 1)
  })

  it('forgets a tab that is gone, and one that says nothing any more', () => {
    const wants = new TabWants()
    wants.set('a', shows(['a']), 0)
    wants.set('b', shows(['b']), 4_000)
    wants.set('c', shows(['c']), 4_000)
    wants.forget('b')
    assert.deepEqual(wants.partitions(shows([])), ['a', 'c'])
    assert.equal(wants.set('d', shows([]), 5_000), true)
    assert.equal(wants.forgetSilent(5_000), false)
    assert.equal(wants.forgetSilent(5_001), true)
    assert.deepEqual(wants.partitions(shows([])), ['c'])
  })

  it('has the filters of all tabs, one each, until the process knows them no more', () => {
    const wants = new TabWants()
    for (const tab of ['a', 'b', 'c']) wants.set(tab, shows([], tab === 'c' ? 'f1' : `f-${tab}`), 0)
    assert.deepEqual(wants.live(shows([], 'f1')), ['f-a', 'f-b', 'f1'])
    for (let index = 0; index < 20; index++) wants.set(`more ${index}`, shows([], `g${index}`), 0)
    assert.equal(wants.live(shows([], 'f1')).length, MAX_LIVE)
    assert.ok(wants.live(shows([], 'z')).includes('z'))
    wants.forgetLive()
    assert.deepEqual(wants.live(shows([])), [])
    assert.deepEqual(wants.partitions(shows(['g/t/1'])), ['g/t/1'])
  })
})

describe('a copy of what a stream has told', () => {
  const event = (name: string, frame: object, id: string) => ({ event: name, data: JSON.stringify(frame), id })
  const row = (handlerId: string, rate: number) => ({ group: 'g', handlerId, rate })
  const view = (partition: number, position: number) => ({ group: 'g', topic: 't', partition, position })

  it('is the last snapshot with every change since', () => {
    const copy = new StreamCopy()
    copy.take(event('delta', { at: 1, verdict: 'early' }, 'i-1'))
    assert.equal(copy.snapshot(), undefined)
    const first = { metrics: 1, verdict: 'a', handlers: [row('x', 1), row('y', 1)], partitions: [view(0, 1)] }
    copy.take(event('snapshot', first, 'i-2'))
    copy.take(event('delta', { at: 1, verdict: 'b', handlers: [row('y', 2)], partitions: [view(1, 7)] }, 'i-3'))
    copy.take(event('note', { text: 'x' }, 'i-4'))
    const told = copy.snapshot()
    assert.deepEqual([told?.event, told?.id], ['snapshot', 'i-4'])
    assert.deepEqual(JSON.parse(told?.data ?? ''), {
      metrics: 1,
      verdict: 'b',
      handlers: [row('x', 1), row('y', 2)],
      partitions: [view(0, 1), view(1, 7)],
    })
  })

  it('begins anew with a snapshot: what that does not have is gone', () => {
    const copy = new StreamCopy()
    copy.take(event('snapshot', { metrics: 1, verdict: 'a', handlers: [row('x', 1)], partitions: [view(0, 1)] }, 'i-1'))
    copy.take(event('snapshot', { metrics: 2, verdict: 'b', handlers: [], partitions: [] }, 'j-1'))
    assert.deepEqual(JSON.parse(copy.snapshot()?.data ?? ''), {
      metrics: 2,
      verdict: 'b',
      handlers: [],
      partitions: [],
    })
  })
})
