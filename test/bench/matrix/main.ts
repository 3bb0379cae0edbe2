/** `npm run bench`: starts Kafka, runs the matrix, prints the table, writes the report. Wires; measures nothing itself. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { FETCH_AHEAD } from '../../../framework/kafka/librdkafka/settings.ts'
import { KafkaAdmin } from '../../e2e/kafka-admin.ts'
import { startKafka } from '../../e2e/kafka-harness.ts'
import { kafkaVersion } from '../../e2e/kafka-jars.mjs'
import { type BenchArguments, readArguments, usage } from './arguments.ts'
import { bundlePeers, type PeerBundle } from './bundle-peers.ts'
import { Progress } from './progress.ts'
import { htmlReport, type ProfileSection } from './report.ts'
import type { MatrixResult } from './results.ts'
import { type MatrixPlan, plannedRuns, runMatrix } from './run-matrix.ts'
import { measureCurves } from './scaling-curves.ts'
import type { Stage } from './stage.ts'
import { systems } from './systems.ts'
import { legend, tableRows, terminalTable } from './table.ts'
import { TopicFiller } from './topic-filler.ts'

/** A broker that has what a production broker has: its compiler, and room for what is read again and again. */
const brokerJvm = ['-XX:TieredStopAtLevel=4', '-Xms512m', '-Xmx1g']

interface Cluster {
  readonly brokers: string
  readonly version: string
  readonly admin: KafkaAdmin
  stop(): Promise<void>
}

async function openCluster({ brokers }: BenchArguments): Promise<Cluster> {
  if (brokers !== undefined) {
    const admin = new KafkaAdmin(brokers)
    return { brokers, version: 'that of --brokers', admin, stop: async () => admin.close() }
  }
  const kafka = await startKafka({ jvmOptions: brokerJvm })
  return { brokers: kafka.brokers, version: kafkaVersion, admin: kafka.admin, stop: () => kafka.stop() }
}

async function main(options: BenchArguments): Promise<number> {
  const startedAt = performance.now()
  const plan = {
    ...options,
    topicPrefix: `bench-${process.pid}-${Date.now().toString(36)}`,
  }
  const progress = new Progress(
    plannedRuns(plan),
    (text) => process.stderr.write(text),
    () => performance.now(),
  )
  progress.note('starting Kafka, bundling the peers')
  const cluster = await openCluster(options)
  const bundle = await bundlePeers()
  try {
    const filler = await TopicFiller.open(cluster.brokers)
    const stage = stageOn(cluster, filler, bundle, options)
    const { profiles, ...outcome } = await runMatrix(plan, stage, bundle, progress)
    await filler.close()
    const curves = options.curves ? await measureCurves(bundle.command('curve'), options.repetitions, progress) : []
    const result: MatrixResult = {
      ...facts(plan, cluster.version),
      ...outcome,
      tookMs: Math.round(performance.now() - startedAt),
      curves,
    }
    process.stdout.write(`\n${terminalTable(tableRows(result))}\n\n${legend(result)}\n`)
    write(result, profiles, options.out)
    return exitCode(result)
  } finally {
    bundle.remove()
    await cluster.stop()
  }
}

function stageOn(
  cluster: Cluster,
  filler: TopicFiller,
  bundle: PeerBundle,
  { windowMs, warmUpMs }: BenchArguments,
): Stage {
  return {
    brokers: cluster.brokers,
    createTopic: (name, partitions) => cluster.admin.createTopic(name, { partitions }),
    deleteTopic: (name) => cluster.admin.deleteTopic(name),
    filler,
    pacedProducer: bundle.command('paced-producer'),
    cores: availableParallelism(),
    windowMs,
    warmUpMs,
    librdkafka: FETCH_AHEAD,
  }
}

function facts({ quick, repetitions, workloads }: MatrixPlan, kafka: string) {
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    os: `${type()} ${release()}`,
    node: process.versions.node,
  }
  const named = workloads.map(({ id, letter, title }) => ({ id, letter, title }))
  return {
    format: 1,
    at: new Date().toISOString(),
    quick,
    repetitions,
    machine,
    kafka,
    commit: commit(),
    workloads: named,
  } as const
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  } catch {
    return 'unknown'
  }
}

function write(result: MatrixResult, profiles: readonly ProfileSection[], out: string): void {
  mkdirSync(out, { recursive: true })
  const [json, html] = [join(out, 'last.json'), join(out, 'last.html')]
  writeFileSync(json, `${JSON.stringify(result, null, 2)}\n`)
  writeFileSync(html, htmlReport(result, profiles))
  process.stderr.write(`written: ${json}, ${html}\n`)
}

/** A peer that fails is a result; Pyrallel must not. */
function exitCode({ cells }: MatrixResult): number {
  const ours = systems.filter((system) => system.ours).map(({ name }) => name)
  return cells.some(({ system, state }) => state === 'failed' && ours.includes(system)) ? 1 : 0
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
try {
  const options = readArguments(process.argv.slice(2))
  if (options.help) process.stdout.write(usage)
  else process.exitCode = await main(options)
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
  process.exitCode = 2
}
