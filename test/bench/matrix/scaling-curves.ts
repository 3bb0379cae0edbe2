/** Measures the scaling curves, a process for each point: what a record costs with more keys, more partitions, more in flight. */
import { spawn } from 'node:child_process'
import type { CurveReport, CurveSettings } from '../peers/curve.ts'
import type { Progress } from './progress.ts'
import type { Curve, CurvePoint } from './results.ts'
import { spreadOf } from './statistics.ts'

const RECORDS = 200_000
const POINT_LIMIT_MS = 120_000
const basis: Omit<CurveSettings, 'rounds'> = {
  keys: 1_000,
  partitions: 8,
  concurrency: 100,
  inFlight: 1,
  records: RECORDS,
}

const keyCounts = [10, 100, 1_000, 10_000, 100_000, 1_000_000]
const partitionCounts = [1, 10, 100, 1_000]
const flights = [1, 10, 100, 1_000, 10_000]

interface Plan {
  readonly name: Curve['name']
  readonly points: readonly { readonly x: number; readonly settings: Omit<CurveSettings, 'rounds'> }[]
}

/** Each key comes at least once, and there are keys enough for what is in flight. */
export const curvePlans: readonly Plan[] = [
  {
    name: 'keys',
    points: keyCounts.map((keys) => ({
      x: keys,
      settings: { ...basis, keys, records: Math.max(RECORDS, keys) },
    })),
  },
  {
    name: 'partitions',
    points: partitionCounts.map((partitions) => ({ x: partitions, settings: { ...basis, partitions } })),
  },
  {
    name: 'in flight',
    points: flights.map((inFlight) => ({
      x: inFlight,
      settings: { ...basis, inFlight, concurrency: inFlight, keys: 100_000 },
    })),
  },
]

/** @param command of curve.ts */
export async function measureCurves(
  command: readonly string[],
  rounds: number,
  progress: Progress,
): Promise<readonly Curve[]> {
  const curves: Curve[] = []
  for (const { name, points } of curvePlans) {
    const measured: CurvePoint[] = []
    for (const { x, settings } of points) {
      const { usPerRecord } = await measurePoint(command, { ...settings, rounds })
      const spread = spreadOf(usPerRecord)
      if (spread === undefined) continue
      measured.push({ x, usPerRecord: spread })
      progress.note(`${name}: ${x.toLocaleString('en')}  ${spread.median.toFixed(2)} us per record`)
    }
    curves.push({ name, points: measured })
  }
  return curves
}

/** Runs one point, in a process of its own. */
export function measurePoint(
  [program = '', ...args]: readonly string[],
  settings: CurveSettings,
): Promise<CurveReport> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args, JSON.stringify(settings)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: POINT_LIMIT_MS,
      killSignal: 'SIGKILL',
    })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    child.once('error', reject)
    child.once('close', (code, signal) => {
      const line = output.split('\n').find((each) => each.startsWith('{"kind":"curve"'))
      if (line !== undefined) resolve(JSON.parse(line) as CurveReport)
      else
        reject(
          new Error(`The curve's point ${JSON.stringify(settings)} ended with ${signal ?? code}: ${output.trim()}`),
        )
    })
  })
}
