import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readArguments } from '../../bench/matrix/arguments.ts'
import { Progress } from '../../bench/matrix/progress.ts'
import { systems } from '../../bench/matrix/systems.ts'
import { workloads } from '../../bench/matrix/workloads.ts'

describe('the benchmark’s command line', () => {
  it('runs everything, three times, with curves, when nothing is asked', () => {
    const all = readArguments([])
    assert.deepEqual([all.workloads, all.systems, all.repetitions, all.curves], [workloads, systems, 3, true])
    assert.deepEqual([all.brokers, all.out], [undefined, 'bench-results'])
  })

  it('has every letter of the issue', () => {
    const letters = [...new Set(workloads.map(({ letter }) => letter))]
    assert.equal(letters.join(''), 'abcdefghi')
  })

  it('is quick with fewer workloads, once, without curves', () => {
    const quick = readArguments(['--quick'])
    assert(quick.workloads.length > 0 && quick.workloads.length < workloads.length)
    assert.deepEqual([quick.repetitions, quick.curves], [1, false])
  })

  it('takes letters and ids, and all that was asked for even when it is quick', () => {
    const ids = readArguments(['--quick', '--only', 'c-10, d']).workloads.map(({ id }) => id)
    assert.deepEqual(ids, ['c-10', 'd-500', 'd-5000'])
  })

  it('takes systems, repetitions, brokers, and a place', () => {
    const some = readArguments([
      '--systems',
      'bare,ours',
      '--repetitions',
      '5',
      '--brokers',
      'localhost:9092',
      '--no-curves',
      '--out',
      'here',
    ])
    assert.deepEqual(
      some.systems.map(({ name }) => name),
      ['ours', 'bare'],
    )
    assert.deepEqual([some.repetitions, some.brokers, some.curves, some.out], [5, 'localhost:9092', false, 'here'])
  })

  it('takes window and warm-up in seconds, and profiles when it is asked to', () => {
    const { windowMs, warmUpMs, profile } = readArguments(['--window', '5', '--warm-up', '0.5', '--profile'])
    assert.deepEqual([windowMs, warmUpMs, profile], [5_000, 500, true])
    assert.equal(readArguments([]).profile, false)
  })

  it('names what it does not know', () => {
    assert.throws(() => readArguments(['--only', 'z']), /no workload z\. There are a, a-1p/)
    assert.throws(() => readArguments(['--systems', 'theirs']), /no system theirs\. There are ours, /)
    assert.throws(() => readArguments(['--repetitions', 'many']), /--repetitions is 'many'/)
    assert.throws(() => readArguments(['--window', '0']), /--window is '0', and must be seconds/)
    assert.throws(() => readArguments(['--fast']), /--fast/)
  })
})

describe('progress', () => {
  it('says how far it is, and how long the rest will take', () => {
    let now = 0
    const lines: string[] = []
    const progress = new Progress(
      10,
      (text) => lines.push(text.trimEnd()),
      () => now,
    )
    now = 4_000
    progress.step('b', 'ours', '100/s')
    now = 40_000
    for (let i = 0; i < 9; i += 1) progress.step('b', 'bare', '90/s')
    assert.equal(lines[0], '[ 1/10] b            ours          100/s  (about 36 s left)')
    assert.equal(lines.at(-1), '[10/10] b            bare          90/s')
  })

  it('goes by the runs alone, and not by what came before the first of them', () => {
    let now = 0
    const lines: string[] = []
    const progress = new Progress(
      10,
      (text) => lines.push(text.trimEnd()),
      () => now,
    )
    now = 80_000
    progress.begin()
    now = 84_000
    progress.step('b', 'ours', '100/s')
    assert.equal(lines[0], '[ 1/10] b            ours          100/s  (about 36 s left)')
  })

  it('does not wait for runs that are not needed', () => {
    let now = 0
    const lines: string[] = []
    const progress = new Progress(
      10,
      (text) => lines.push(text.trimEnd()),
      () => now,
    )
    progress.skip(7)
    now = 4_000
    progress.step('b', 'ours', '100/s')
    assert.equal(lines[0], '[1/3] b            ours          100/s  (about 8 s left)')
  })
})
