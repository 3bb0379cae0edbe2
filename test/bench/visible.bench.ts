/**
 * Prints how long it takes at a steady rate from the time at which a record is in the log until a reader of committed records has what its handler published,
 * and the memory over time: `node --import tsx test/bench/visible.bench.ts [x-5ms] [ours-exactly-once] [records a second] [seconds] [log|sent]`. With `sent` it counts
 * from the time at which the record should have been sent, so that a broker that takes it late is part of it; for Parallel Consumer that is the only one.
 * The rate is best half of what `in-turns.bench.ts x-5ms ...` tells. The reader checks that each key's outputs come in order, and none twice. Decides nothing.
 */
import { availableParallelism } from 'node:os'
import { FETCH_AHEAD } from '../../framework/kafka/librdkafka/settings.ts'
import { startKafka } from '../e2e/kafka-harness.ts'
import { BROKER_JVM } from './matrix/broker-jvm.ts'
import { bundlePeers, type NodePeer } from './matrix/bundle-peers.ts'
import { installParallelConsumer } from './matrix/install-parallel-consumer.ts'
import { Pace } from './matrix/measure-latency.ts'
import { type LivePeer, type PeerMeasured, runPeer } from './matrix/peer-process.ts'
import { primer } from './matrix/records.ts'
import { COMMIT_MS, peerSettings, type Stage } from './matrix/stage.ts'
import { bytesText } from './matrix/texts.ts'
import { TopicFiller } from './matrix/topic-filler.ts'
import { selectWorkloads } from './matrix/workloads.ts'
import { percentileMs } from './peers/histogram.ts'

/** A broker that has just started compiles its code for a while: records wait behind that. */
const WARM_UP_S = 60
const LOOK_MS = 5_000
const LIMIT_MS = 3_600_000
/** The default of Kafka's own producers since 4.0. */
const LINGER_MS = 5
const [workloadId = 'x-5ms', name = 'ours-exactly-once', rate = '1000', measured = '30', from = 'log'] =
  process.argv.slice(2)
const [workload] = selectWorkloads([workloadId])
const [perSecond, seconds] = [Number(rate), Number(measured)]
if (workload?.publishes !== true || !(perSecond > 0) || !(seconds >= 5 && seconds <= 600)) {
  throw new Error('The workload must be x-none or x-5ms, the rate above 0, and the seconds 5 to 600.')
}
const isParallelConsumer = name === 'pc-out' || name === 'pc-transactional'
if (from !== 'sent' && (from !== 'log' || isParallelConsumer)) {
  throw new Error(`It counts from log or from sent, and for Parallel Consumer from sent; not from ${from}.`)
}

const kafka = await startKafka({ jvmOptions: BROKER_JVM })
const bundle = await bundlePeers()
const filler = await TopicFiller.open(kafka.brokers)
const [topic, outputs] = ['visible-in', 'visible-out']
const system = isParallelConsumer
  ? await installParallelConsumer(name === 'pc-transactional')
  : { command: bundle.command(name as NodePeer), version: '', packages: '' }
const pace = new Pace(bundle.command('paced-producer'), {
  brokers: kafka.brokers,
  topic,
  workload,
  perSecond,
  seconds: WARM_UP_S + seconds,
  lingerMs: LINGER_MS,
})
const stage: Stage = {
  brokers: kafka.brokers,
  createTopic: async () => {},
  deleteTopic: async () => {},
  filler,
  pacedProducer: [],
  cores: availableParallelism(),
  windowMs: LIMIT_MS,
  warmUpMs: 0,
  librdkafka: FETCH_AHEAD,
}

let peer: LivePeer | undefined
try {
  const { partitions } = workload
  await kafka.admin.createTopic(topic, { partitions, configs: { 'message.timestamp.type': 'LogAppendTime' } })
  await kafka.admin.createTopic(outputs, { partitions })
  await filler.fill(
    topic,
    Array.from({ length: workload.partitions }, (_, partition) => primer(partition)),
  )
  const ofSystem = { ...peerSettings(stage, workload, system, topic), outputs, sinceLog: from === 'log' }
  let done = 0
  const running = runPeer(system.command, ofSystem, {
    onProgress: (now, live) => {
      done = now
      peer = live
    },
  })
  const reader = { ...peerSettings(stage, { ...workload, work: 'none' }, { ...system, packages: '' }, outputs) }
  const window = { warmUpRecords: Number.MAX_SAFE_INTEGER, warmUpMs: WARM_UP_S * 1_000, limitMs: seconds * 1_000 }
  const memory: string[] = []
  const looks = setInterval(() => {
    if (peer?.residentBytes !== undefined) memory.push(bytesText(peer.residentBytes))
  }, LOOK_MS)
  const reading = runPeer(
    bundle.command('bare'),
    { ...reader, ...window, latency: true },
    { onStarted: () => pace.start() },
  )
  const outcome = await Promise.race([reading, running.then(failed)])
  clearInterval(looks)
  print(outcome as PeerMeasured, done, memory)
} finally {
  peer?.kill()
  pace.end()
  await filler.close()
  bundle.remove()
  await kafka.stop()
}

function failed(outcome: unknown): never {
  throw new Error(`${name} has ended: ${JSON.stringify(outcome)}`)
}

function print(outcome: PeerMeasured, done: number, memory: readonly string[]): void {
  if (outcome.kind !== 'measured') failed(outcome)
  const { result } = outcome
  const at = (share: number) => percentileMs(result.latency, share)?.toFixed(1) ?? '-'
  console.log(`${name}, ${workloadId}, ${perSecond}/s for ${seconds} s, commit interval ${COMMIT_MS} ms`)
  console.log(
    `from ${from === 'log' ? 'the input in the log' : 'when the input should have been sent'} to what is visible: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, p99.9 ${at(0.999)} ms`,
  )
  console.log(`handled ${done}, read ${result.done}, out of order ${result.violations}, twice ${result.repeats}`)
  console.log(`memory, every ${LOOK_MS / 1_000} s: ${memory.join(', ')}`)
}
