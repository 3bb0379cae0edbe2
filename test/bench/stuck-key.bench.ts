/**
 * Shows whether a stuck key touches the latency of all others: the same steady rate with and without one, in turn, as often as asked, and the bare loop without
 * one beside them: `node --import tsx test/bench/stuck-key.bench.ts [records a second] [turns] [ours|ours-javascript] [sent|log]`. It counts from when a record
 * should have been sent; with `log` from when it is in the log: then a broker that takes it late, on the same cores, is no part of it. One run says nothing:
 * between two of the same kind lies more than between the kinds. So it also tells in how many turns ours was ahead of the bare loop.
 */
import { availableParallelism } from 'node:os'
import { FETCH_AHEAD } from '../../framework/kafka/librdkafka/settings.ts'
import { startKafka } from '../e2e/kafka-harness.ts'
import { BROKER_JVM } from './matrix/broker-jvm.ts'
import { bundlePeers } from './matrix/bundle-peers.ts'
import { measureLatency } from './matrix/measure-latency.ts'
import type { LatencyRun } from './matrix/results.ts'
import type { Stage } from './matrix/stage.ts'
import { spreadOf } from './matrix/statistics.ts'
import { msText } from './matrix/texts.ts'
import { TopicFiller } from './matrix/topic-filler.ts'
import { selectWorkloads } from './matrix/workloads.ts'

/** The window is twice as long, and so is the warm-up. */
const WINDOW_MS = 5_000
const WARM_UP_MS = 1_500

const [perSecond, turns, ours] = [
  Number(process.argv[2] ?? '2500'),
  Number(process.argv[3] ?? '9'),
  process.argv[4] ?? 'ours',
]
const from = process.argv[5] ?? 'sent'
if (from !== 'sent' && from !== 'log') throw new Error('Latency counts from sent or from log.')
if (ours !== 'ours' && ours !== 'ours-javascript') throw new Error('The system must be ours or ours-javascript.')
if (!(perSecond >= 100 && perSecond <= 50_000 && turns >= 3 && turns <= 50)) {
  throw new Error('The rate must be 100 to 50,000 records a second, and the turns 3 to 50.')
}

/** Of the same turn, both percentiles. */
function isBelow(run: LatencyRun, other: LatencyRun | undefined): boolean {
  return other !== undefined && run.p50 < other.p50 && run.p99 < other.p99
}

const [free, stuck] = selectWorkloads(['g-free', 'g-stuck'])
if (free === undefined || stuck === undefined) throw new Error('There is no workload g-free or g-stuck.')
const kafka = await startKafka({ jvmOptions: BROKER_JVM })
const bundle = await bundlePeers()
try {
  const filler = await TopicFiller.open(kafka.brokers)
  const stage: Stage = {
    brokers: kafka.brokers,
    createTopic: (name, partitions) =>
      kafka.admin.createTopic(name, {
        partitions,
        ...(from === 'log' && { configs: { 'message.timestamp.type': 'LogAppendTime' } }),
      }),
    deleteTopic: (name) => kafka.admin.deleteTopic(name),
    filler,
    pacedProducer: bundle.command('paced-producer'),
    cores: availableParallelism(),
    windowMs: WINDOW_MS,
    warmUpMs: WARM_UP_MS,
    librdkafka: FETCH_AHEAD,
  }
  const bare = { name: 'bare loop', system: 'bare', workload: free, runs: [] as LatencyRun[] } as const
  const without = { name: ours, system: ours, workload: free, runs: [] as LatencyRun[] } as const
  const beside = { name: `${ours}, stuck key`, system: ours, workload: stuck, runs: [] as LatencyRun[] } as const
  // One more turn than is counted: a broker that has just started is slow.
  for (let turn = 0; turn <= turns; turn += 1) {
    for (const { name, system, workload, runs } of turn % 2 === 0 ? [bare, without, beside] : [bare, beside, without]) {
      const prepared = { command: bundle.command(system), version: '', packages: '' }
      const run = await measureLatency(
        stage,
        workload,
        prepared,
        `stuck-key-${turn}-${name.replaceAll(/\W/g, '')}`,
        perSecond,
        { sinceLog: from === 'log' },
      )
      if (run.kind !== 'latency') throw new Error(`${name}: ${run.kind === 'failed' ? run.why : run.kind}`)
      if (turn > 0) runs.push(run)
      process.stderr.write(
        `turn ${turn} of ${turns}: ${name.padEnd(26)} p50 ${msText(run.p50)}, p99 ${msText(run.p99)}\n`,
      )
    }
  }
  console.log(
    `${perSecond.toLocaleString('en')} records a second, from ${from}, ${turns} turns; median (lowest to highest)`,
  )
  for (const { name, runs } of [bare, without, beside]) {
    const text = (of: (run: LatencyRun) => number) => {
      const spread = spreadOf(runs.map(of))
      return spread && `${msText(spread.median)} (${msText(spread.min)} to ${msText(spread.max)})`
    }
    const ahead = runs.filter((run, turn) => isBelow(run, bare.runs[turn])).length
    const compared = name === bare.name ? '' : `; below the bare loop's in ${ahead} of ${turns} turns`
    console.log(`${name.padEnd(26)} p50 ${text(({ p50 }) => p50)}, p99 ${text(({ p99 }) => p99)}${compared}`)
  }
  await filler.close()
} finally {
  bundle.remove()
  await kafka.stop()
}
