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

/**
 * Stands in for a peer: notes that it has begun, waits until as many have as are wanted, and notes its end. The core of the first does 100 a second, that
 * of the second 300. One that waits in vain gives up, so that a test fails instead of hanging.
 */
const PEER = `
const { appendFileSync, mkdirSync, readFileSync } = require('node:fs')
const [notes, wanted] = process.argv.slice(2)
let perSecond = 100
try {
  mkdirSync(notes + '-first')
} catch {
  perSecond = 300
}
appendFileSync(notes, 'begin ')
const giveUpAt = Date.now() + 20_000
const timer = setInterval(() => {
  const begun = readFileSync(notes, 'utf8').split('begin').length - 1
  if (begun < Number(wanted) && Date.now() < giveUpAt) return
  clearInterval(timer)
  appendFileSync(notes, 'end ')
  console.log(JSON.stringify({ kind: 'calibrated', perSecond, latencyMs: 10 }))
}, 10)
`

describe('a calibration', () => {
  let folder = ''
  let notes = ''

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pyrallel-calibrations-'))
    notes = join(folder, 'notes')
    writeFileSync(join(folder, 'peer.cjs'), PEER)
    writeFileSync(notes, '')
  })
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  async function calibrated(id: string, together: number) {
    const calibrations = new Calibrations(stage)
    const system = {
      command: [process.execPath, join(folder, 'peer.cjs'), notes, `${together}`],
      version: '',
      packages: '',
    }
    await calibrations.measure(workload(id), 'node', system)
    return { calibration: calibrations.of(workload(id), 'node'), notes: readFileSync(notes, 'utf8').trim() }
  }

  it('keeps all cores busy at once for work that computes, and takes the mean of them', async () => {
    const { calibration, notes } = await calibrated('d-500', 2)
    assert.equal(notes, 'begin begin end end')
    assert.equal(calibration?.corePerSecond, 200)
    assert.equal(calibration.stretch, 10 / 500)
  })

  it('is of one process where handlers wait', async () => {
    const { calibration, notes } = await calibrated('e-10ms-100', 1)
    assert.equal(notes, 'begin end')
    assert.equal(calibration?.stretch, 1)
  })
})
