/** The rule of `/scale` in front of loads of all kinds, with the autoscaler of Kubernetes behind it: what it leads to. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loads } from './scaling/loads.ts'
import { type Outcome, replay } from './scaling/replay.ts'

/** Until the autoscaler has asked, and the processes it has started have partitions. Seconds. */
const REACTION = 45
const SEEDS = [1, 2, 3]

function outcomesOf(name: string): readonly Outcome[] {
  const load = loads.find((each) => each.name === name)
  assert.ok(load)
  return SEEDS.map((seed) => replay(load, 'processesNeeded', seed))
}

function most(values: readonly number[]): number {
  return Math.max(...values)
}

describe('the rule of scaling out', { timeout: 120_000 }, () => {
  it('has a burst done within the drain target, from when there are processes for it, and lets them go then', () => {
    for (const { processes, longestWait } of outcomesOf('a burst')) {
      assert.ok(longestWait <= 60 + REACTION, `${longestWait} s`)
      assert.equal(processes.at(600), 1)
    }
  })

  it('starts no process for a key that is stuck, however long', () => {
    for (const { processes, backlogs } of outcomesOf('one stuck key')) {
      assert.ok(most(processes.slice(600)) <= 3, String(most(processes)))
      assert.ok((backlogs.at(-1) ?? 0) > 4_000)
    }
    const [load] = loads.filter(({ name }) => name === 'one stuck key')
    assert.ok(load)
    assert.ok(most(replay(load, 'kafka').processes) > 8, 'what goes by lag starts them')
  })

  it('counts a record once where a marker follows each, and comes to 0 behind the last marker', () => {
    for (const { processes, backlogs } of outcomesOf('transactions')) {
      assert.deepEqual([most(processes.slice(600)), processes.at(-1), backlogs.at(-1)], [2, 0, 0])
    }
  })

  it('starts no process for a key that is more frequent than one slot can do', () => {
    for (const { processes } of outcomesOf('Zipf keys')) {
      assert.deepEqual([most(processes.slice(450)), processes.at(-1)], [1, 0])
    }
  })

  it('stays where it is with a load that just keeps up, and has nothing wait', () => {
    for (const { processes, backlogs, changes } of outcomesOf('a steady load that just keeps up')) {
      assert.deepEqual([...new Set(processes.slice(600))], [4])
      assert.ok(changes <= 4 && most(backlogs.slice(600)) < 600, `${changes} changes, ${most(backlogs.slice(600))}`)
    }
  })

  it('goes from zero to one and back', () => {
    for (const { processes, changes, longestWait } of outcomesOf('zero to one')) {
      assert.deepEqual([most(processes), processes.at(-1), changes], [1, 0, 2])
      assert.ok(longestWait <= REACTION, `${longestWait} s`)
    }
  })

  it('goes down with its load, and never up on the way', () => {
    for (const { processes, longestWait } of outcomesOf('ramp down')) {
      const down = processes.slice(processes.indexOf(most(processes)))
      assert.ok(down.every((each, second) => second === 0 || each <= (down[second - 1] ?? 0)))
      assert.deepEqual([processes.at(-1), longestWait <= 60 + REACTION], [0, true])
    }
  })

  it('leaves no work without a process for longer than the autoscaler looks', () => {
    for (const { name } of loads) {
      for (const { processes, backlogs } of outcomesOf(name)) {
        let idle = 0
        for (const [second, number] of processes.entries()) {
          idle = number === 0 && (backlogs[second] ?? 0) > 0 ? idle + 1 : 0
          assert.ok(idle <= 30, `${name}: second ${second}`)
        }
      }
    }
  })
})
