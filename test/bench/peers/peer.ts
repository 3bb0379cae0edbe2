/** What every peer in Node shares: its settings, the handler's work, the measuring window, and how it talks to the runner. */
import { hash } from 'node:crypto'
import { Meter, sharedCounts } from './meter.ts'
import type { BenchValue, PeerMessage, PeerSettings } from './protocol.ts'

const SAMPLE_MS = 5
const PROGRESS_MS = 200
const ORPHAN_MS = 60_000
const CALIBRATE_MS = 1_000

export type Handle = (value: BenchValue) => Promise<void> | undefined

export function say(message: PeerMessage): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}

export function readSettings(): PeerSettings {
  return JSON.parse(process.argv[2] ?? '{}') as PeerSettings
}

/** The handler that all systems call: the same work, counted in the same way. Synchronous where there is nothing to wait for. */
export function handleWith(settings: PeerSettings, meter: Meter): Handle {
  const { work, stuckKey } = settings
  const sleeping = async (value: BenchValue, ms: number) => {
    await sleep(ms)
    meter.end(value)
  }
  return (value) => {
    meter.begin(value)
    if (stuckKey && value.k === 0) return new Promise(() => {})
    // No wait is no timer: a timer of 0 ms would wait for 1.
    if (work === 'sleep' && value.w > 0) return sleeping(value, value.w)
    if (work === 'sha256') hashRounds(value.w)
    meter.end(value)
    return undefined
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Each round takes the digest before it as text: a buffer for each would cost its allocation and release as much again as the hashing, on other threads too. */
function hashRounds(rounds: number): string {
  let digest = ''
  for (let round = 0; round < rounds; round += 1) digest = hash('sha256', digest, 'base64')
  return digest
}

/**
 * Runs a peer: reads the settings, starts the consumer, watches the meter, reports, and ends the process. Nothing is closed in order:
 * that is not what is measured, and the runner's next peer is in a group of its own.
 */
export async function runPeer(
  start: (settings: PeerSettings, handle: Handle, shared: SharedArrayBuffer) => Promise<void>,
): Promise<void> {
  try {
    const settings = readSettings()
    if (settings.mode === 'calibrate') {
      say(await calibrate(settings))
      return
    }
    const shared = sharedCounts(settings)
    const meter = new Meter(settings, shared)
    process.on('unhandledRejection', fail)
    // In order, so that a CPU profile is written.
    process.once('SIGTERM', () => process.exit(0))
    await start(settings, handleWith(settings, meter), shared)
    watch(settings, meter)
  } catch (error) {
    fail(error)
  }
}

export function fail(error: unknown): void {
  say({ kind: 'failed', why: error instanceof Error ? error.message : String(error) })
  process.exitCode = 1
  setTimeout(() => process.exit(1), 100)
}

/** Samples count and time together, so that a late sample makes the window longer and nothing wrong. */
function watch({ warmUpRecords, warmUpMs, lastRecord, limitMs }: PeerSettings, meter: Meter): void {
  let startedAt = 0
  let from: { readonly at: number; readonly done: number } | undefined
  let saidAt = 0
  const sample = () => {
    const [now, { done }] = [performance.now(), meter]
    if (startedAt === 0) {
      if (!meter.hasStarted) return
      startedAt = now
      say({ kind: 'started' })
    }
    if (from === undefined) {
      if (done < warmUpRecords && now - startedAt < warmUpMs) return
      from = { at: now, done }
      meter.forgetLatencies()
      say({ kind: 'measuring', done })
    }
    if (done >= lastRecord || now - from.at >= limitMs) {
      clearInterval(timer)
      say(meter.result(done - from.done, now - from.at))
      // The runner ends it now. If there is no runner any more, it ends by itself.
      setTimeout(() => process.exit(0), ORPHAN_MS)
    } else if (now - saidAt >= PROGRESS_MS) {
      saidAt = now
      say({ kind: 'progress', done, violations: meter.violations })
    }
  }
  const timer = setInterval(sample, SAMPLE_MS)
}

/** The same work in as many chains as may be in flight, without Kafka: what this runtime's timers, or one core of it, allow. */
async function calibrate({ work, workMin, workMax, keys, concurrency }: PeerSettings): Promise<PeerMessage> {
  const span = workMax - workMin + 1
  const startedAt = performance.now()
  let count = 0
  const chain = async (first: number) => {
    for (let i = first; performance.now() - startedAt < CALIBRATE_MS; i += 1) {
      const amount = workMin + (i % span)
      if (work === 'sha256') hashRounds(amount)
      else if (amount > 0) await sleep(amount)
      count += 1
    }
  }
  const chains = work === 'sha256' ? 1 : Math.min(keys, concurrency)
  await Promise.all(Array.from({ length: chains }, (_, i) => chain(i)))
  const elapsedMs = performance.now() - startedAt
  return { kind: 'calibrated', perSecond: (count / elapsedMs) * 1_000, latencyMs: (chains * elapsedMs) / count }
}
