import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { Calibrations } from '../../bench/matrix/calibrations.ts'
import type { Stage } from '../../bench/matrix/stage.ts'
import { selectWorkloads, type Workload } from '../../bench/matrix/workloads.ts'

const stage = { brokers: 'none', cores: 2, windowMs: 0, warmUpMs: 0, librdkafka: {} } as unknown as Stage

function workload(id: string): Workload {
  const [found] = selectWorkloads([id])
  assert(found)
  return found
}

/** Stands in for a peer: notes when it began and ended, and says that its core does 100 a second for the first of them, 300 for the second. */
const PEER = `
const { appendFileSync, mkdirSync } = require('node:fs')
const notes = process.env.NOTES
appendFileSync(notes, 'begin ')
let perSecond = 100
try {
  mkdirSync(notes + '-first')
} catch {
  perSecond = 300
}
setTimeout(() => {
  appendFileSync(notes, 'end ')
  console.log(JSON.stringify({ kind: 'calibrated', perSecond, latencyMs: 10 }))
}, 500)
`

describe('a calibration', () => {
  let folder = ''
  let notes = ''

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pyrallel-calibrations-'))
    notes = join(folder, 'notes')
    writeFileSync(join(folder, 'peer.cjs'), PEER)
    writeFileSync(notes, '')
    process.env.NOTES = notes
  })
  afterEach(() => {
    delete process.env.NOTES
    rmSync(folder, { recursive: true, force: true })
  })

  async function calibrated(id: string) {
    const calibrations = new Calibrations(stage)
    const system = { command: [process.execPath, join(folder, 'peer.cjs')], version: '', packages: '' }
    await calibrations.measure(workload(id), 'node', system)
    return { calibration: calibrations.of(workload(id), 'node'), notes: readFileSync(notes, 'utf8').trim() }
  }

  it('keeps all cores busy at once for work that computes, and takes the mean of them', async () => {
    const { calibration, notes } = await calibrated('d-500')
    assert.equal(notes, 'begin begin end end')
    assert.equal(calibration?.corePerSecond, 200)
    assert.equal(calibration.stretch, 10 / 500)
  })

  it('is of one process where handlers wait', async () => {
    const { calibration, notes } = await calibrated('e-10ms-100')
    assert.equal(notes, 'begin end')
    assert.equal(calibration?.stretch, 1)
  })
})
