/** A CPU profile becomes a picture in which every microsecond of work is drawn once. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type CpuProfile, flameGraph, framesOf, idleShare } from '../../bench/matrix/flame-graph.ts'

const at = (functionName: string, url = '', lineNumber = -1) => ({ functionName, url, lineNumber })

const profile: CpuProfile = {
  nodes: [
    { id: 1, callFrame: at('(root)'), children: [2, 3, 5] },
    { id: 2, callFrame: at('(idle)') },
    { id: 3, callFrame: at('poll', 'file:///app/poller.js', 9), children: [4] },
    { id: 4, callFrame: at('parse<T>', 'file:///app/decoder.js', 4) },
    { id: 5, callFrame: at('poll', 'file:///app/poller.js', 9) },
  ],
  samples: [3, 4, 4, 2, 5],
  timeDeltas: [100, 200, 300, 400, 50],
}

describe('the flame graph', () => {
  it('adds times up by callers, with the same function under the same caller as one', () => {
    assert.deepEqual(framesOf(profile), {
      name: '(root)',
      self: 0,
      total: 650,
      children: [
        {
          name: 'poll poller.js:10',
          self: 150,
          total: 650,
          children: [{ name: 'parse<T> decoder.js:5', self: 500, total: 500, children: [] }],
        },
      ],
    })
  })

  it('tells how much of the time was waiting, and does not draw it', () => {
    assert.equal(idleShare(profile), 400 / 1_050)
    assert.ok(!flameGraph(profile).includes('(idle)'))
  })

  it('draws each function as wide as its share, below its caller, with its name escaped', () => {
    const svg = flameGraph(profile)
    const [root, poll, parse, ...more] = [...svg.matchAll(/<rect x="([\d.]+)" y="(\d+)" width="([\d.]+)"/g)].map(
      ([, x, y, width]) => [Number(x), Number(y), Number(width)],
    )
    assert.deepEqual(more, [])
    assert.deepEqual(root, [0, 0, 1199.5])
    assert.deepEqual(poll, [0, 17, 1199.5])
    assert.deepEqual(parse, [0, 34, Math.round(((500 / 650) * 1_200 - 0.5) * 10) / 10])
    assert.ok(svg.includes('parse&lt;T&gt; decoder.js:5: 0.5 ms, 76.9 %; itself 0.5 ms'))
    assert.ok(!svg.includes('parse<T>'))
  })

  it('leaves out what is too narrow to be seen', () => {
    const samples = [...Array.from({ length: 100_000 }, () => 3), 4]
    const svg = flameGraph({ ...profile, samples, timeDeltas: samples.map(() => 10) })
    assert.equal(svg.match(/<rect/g)?.length, 2)
  })

  it('draws nothing of an empty profile', () => {
    assert.equal(idleShare({ nodes: [], samples: [], timeDeltas: [] }), 0)
    assert.ok(!flameGraph({ nodes: [], samples: [], timeDeltas: [] }).includes('<rect'))
  })
})
