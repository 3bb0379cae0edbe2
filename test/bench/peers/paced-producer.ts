/**
 * Sends records at a steady rate, each with the time at which it should have gone: a record that goes late, because the producer or the broker
 * is busy, was meant to go earlier, and its latency counts from then (otherwise a stall would hide the latency of all that waited for it).
 */
import { loadLibrdkafka } from '../../../framework/kafka/librdkafka/client.ts'
import { RecordSequence } from '../matrix/records.ts'
import type { Workload } from '../matrix/workloads.ts'
import { bucketOf, percentileMs } from './histogram.ts'
import { nowUs } from './meter.ts'
import { fail } from './peer.ts'

export interface PaceSettings {
  readonly brokers: string
  readonly topic: string
  readonly workload: Workload
  readonly perSecond: number
  readonly seconds: number
  /** How long a record waits for companions. Default 1. */
  readonly lingerMs?: number
}

/** The last line on stdout. */
export interface PaceReport {
  readonly kind: 'paced'
  readonly sent: number
  /** How late the records of the 99th percentile were handed to the client. */
  readonly lateMs: number
}

/** librdkafka's code for it. */
const QUEUE_FULL = -184

async function main({ brokers, topic, workload, perSecond, seconds, lingerMs = 1 }: PaceSettings): Promise<void> {
  const { Producer } = await loadLibrdkafka()
  const producer = new Producer({
    'bootstrap.servers': brokers,
    'linger.ms': lingerMs,
    acks: 1,
    'queue.buffering.max.messages': 1_000_000,
  })
  await new Promise<void>((resolve, reject) => {
    producer.connect({}, (error) => (error ? reject(new Error(error.message)) : resolve()))
  })
  producer.setPollInBackground(true)
  const records = new RecordSequence(workload)
  const late = new Map<number, number>()
  const startUs = nowUs()
  const total = Math.round(perSecond * seconds)
  let sent = 0
  const sendDue = () => {
    const us = nowUs()
    const due = Math.min(total, Math.floor(((us - startUs) * perSecond) / 1e6))
    for (; sent < due; sent += 1) {
      const intendedUs = Math.round(startUs + (sent / perSecond) * 1e6)
      const { partition, key, value } = records.next(intendedUs)
      if (!hasTaken(() => producer.produce(topic, partition, value, key, null, undefined, undefined))) break
      const bucket = bucketOf(us - intendedUs)
      late.set(bucket, (late.get(bucket) ?? 0) + 1)
    }
    if (sent < total) return
    clearInterval(timer)
    const report: PaceReport = { kind: 'paced', sent, lateMs: percentileMs([...late], 0.99) ?? 0 }
    process.stdout.write(`${JSON.stringify(report)}\n`)
    producer.disconnect(5_000, () => process.exit(0))
  }
  const timer = setInterval(sendDue, 1)
}

/** False when the client's queue is full: the record goes with the next turn, late. */
function hasTaken(produce: () => unknown): boolean {
  try {
    produce()
    return true
  } catch (error) {
    if ((error as { readonly code?: number }).code === QUEUE_FULL) return false
    throw error
  }
}

main(JSON.parse(process.argv[2] ?? '{}') as PaceSettings).catch(fail)
