/**
 * Starts real Apache Kafka for a test: one broker, or a cluster of three, in KRaft mode on free loopback ports, in a directory that
 * is removed afterwards. With PYRALLEL_TEST_BROKERS it uses the cluster named there, which it can neither stop nor kill.
 */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { JvmSupervision } from './jvm-supervision.ts'
import { KafkaAdmin } from './kafka-admin.ts'
import { kafkaJarsDir, kafkaProblem } from './kafka-jars.mjs'

export interface KafkaOptions {
  readonly brokers?: 1 | 3
  /**
   * Listeners beside the plain one, by name: in capitals, with the protocol that each speaks. What else they need stands in `config`, as
   * `listener.name.<name in small letters>.…`.
   */
  readonly listeners?: Readonly<Record<string, 'PLAINTEXT' | 'SSL' | 'SASL_SSL' | 'SASL_PLAINTEXT'>>
  /** By listener: where the one broker says that it is found, where that is not the listener itself but something in front of it. */
  readonly advertised?: Readonly<Record<string, string>>
  /** Passwords of SCRAM users by their names. They stand in the log of the cluster's metadata from its beginning. */
  readonly scramUsers?: Readonly<Record<string, string>>
  /** Broker settings beside the harness's own, as Kafka names them. */
  readonly config?: Readonly<Record<string, string | number>>
  /** Of the brokers' JVMs, over those that make them start fast and stay small: the last word counts. */
  readonly jvmOptions?: readonly string[]
  /**
   * From this size on no file of the brokers can grow, until they are started again. To Kafka that is a full disk: a write fails. Bytes; above 10 MiB,
   * the size that the index of a log is made with.
   */
  readonly fullAtBytes?: number
}

export class KafkaCluster {
  /** For `bootstrap.servers`: `127.0.0.1:21092,127.0.0.1:21094`. */
  readonly brokers: string
  readonly admin: KafkaAdmin
  /** Where logs and data stand while the cluster lives; `undefined` for a cluster that is not ours. */
  readonly directory: string | undefined
  readonly #size: number
  readonly #supervision: JvmSupervision | undefined
  readonly #listeners: ReadonlyMap<string, string>

  constructor(
    brokers: string,
    owned?: {
      directory: string
      size: number
      supervision: JvmSupervision
      listeners: ReadonlyMap<string, string>
    },
  ) {
    this.brokers = brokers
    this.admin = new KafkaAdmin(brokers)
    this.directory = owned?.directory
    this.#size = owned?.size ?? 0
    this.#supervision = owned?.supervision
    this.#listeners = owned?.listeners ?? new Map()
  }

  /** For `bootstrap.servers`, over one of `KafkaOptions.listeners`. */
  brokersAt(listener: string): string {
    const brokers = this.#listeners.get(listener)
    if (brokers === undefined) throw new Error(`the cluster has no listener ${listener}`)
    return brokers
  }

  /** True when brokers can be stopped and killed: false with PYRALLEL_TEST_BROKERS. */
  get controllable(): boolean {
    return this.#supervision !== undefined
  }

  get supervisorPid(): number | undefined {
    return this.#supervision?.pid
  }

  /** Starts broker `node` (1 to 3) again, with the data it had. Settles when it serves. */
  async startBroker(node: number): Promise<void> {
    await this.#owned(node).ask('start', node)
  }

  /** Stops broker `node` in order (SIGTERM): leadership moves first. */
  async stopBroker(node: number): Promise<void> {
    await this.#owned(node).ask('stop', node)
  }

  /** Kills broker `node` (SIGKILL). What it had acknowledged is in its directory. */
  async kill(node: number): Promise<void> {
    await this.#owned(node).ask('kill', node)
  }

  /** Stops broker `node` where it stands (SIGSTOP): its connections live, and it answers nothing until `thaw`. */
  async freeze(node: number): Promise<void> {
    await this.#owned(node).ask('freeze', node)
  }

  async thaw(node: number): Promise<void> {
    await this.#owned(node).ask('thaw', node)
  }

  /** Settles when broker `node` has ended by itself. */
  async ended(node: number): Promise<void> {
    await this.#owned(node).ask('wait', node)
  }

  /** Ends every broker and removes the directory. May be called twice. */
  async stop(): Promise<void> {
    this.admin.close()
    await this.#supervision?.end()
  }

  #owned(node: number): JvmSupervision {
    if (this.#supervision === undefined) throw new Error('the cluster of PYRALLEL_TEST_BROKERS cannot be controlled')
    if (!Number.isInteger(node) || node < 1 || node > this.#size) throw new Error(`there is no broker ${node}`)
    return this.#supervision
  }
}

/** @throws Error with the next step, when no Kafka can be had here; with the broker's last log lines, when it does not start */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaCluster> {
  const external = process.env.PYRALLEL_TEST_BROKERS
  if (external) return new KafkaCluster(external)
  const problem = kafkaProblem()
  if (problem !== undefined) throw new Error(`No real Kafka here: ${problem}.`)

  const size = options.brokers ?? 1
  const others = Object.entries(options.listeners ?? {})
  const each = 2 + others.length
  const ports = await freePorts(size * each)
  const nodes: Node[] = []
  const at = ({ name, port }: NodeListener) => options.advertised?.[name] ?? `127.0.0.1:${port}`
  for (let i = 0; i < size; i++) {
    const [port, controllerPort, ...rest] = ports.slice(i * each, (i + 1) * each)
    const listeners = others.map(([name, protocol], index) => ({ name, protocol, port: rest[index]! }))
    nodes.push({ id: i + 1, port: port!, controllerPort: controllerPort!, listeners })
  }
  const directory = mkdtempSync(join(tmpdir(), 'pyrallel-kafka-'))
  const supervision = new JvmSupervision('kafka-supervisor.mjs', [
    directory,
    join(kafkaJarsDir(), '*'),
    JSON.stringify(supervisionOptions(options)),
  ])
  const brokers = nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')
  const listeners = new Map(
    others.map(([name], index) => [name, nodes.map((node) => `127.0.0.1:${node.listeners[index]!.port}`).join(',')]),
  )
  const cluster = new KafkaCluster(brokers, { directory, size, supervision, listeners })
  try {
    for (const node of nodes) {
      const advertised = node.listeners.map((each) => `,${each.name}://${at(each)}`).join('')
      const properties = { ...baseProperties(node, nodes, directory, advertised), ...options.config }
      const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`)
      writeFileSync(join(directory, `broker-${node.id}.properties`), lines.join(''))
    }
    await Promise.all(nodes.map(({ id }) => supervision.ask('start', id)))
    return cluster
  } catch (error) {
    await cluster.stop()
    throw error
  }
}

interface SupervisionOptions {
  /** What Kafka's StorageTool is told when it makes a broker's directory, beside the usual. */
  readonly format: readonly string[]
  /** Of the brokers' JVMs, after the usual ones. */
  readonly jvm: readonly string[]
  /** How large a file may become before the brokers are started a second time. Undefined: as large as the disk allows. */
  readonly fullAtBytes: number | undefined
}

function supervisionOptions(options: KafkaOptions): SupervisionOptions {
  return {
    format: scramOptions(options.scramUsers ?? {}),
    jvm: options.jvmOptions ?? [],
    fullAtBytes: options.fullAtBytes,
  }
}

function scramOptions(users: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(users).flatMap(([name, password]) =>
    ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${name},password=${password}]`,
    ]),
  )
}

interface Node {
  readonly id: number
  readonly port: number
  readonly controllerPort: number
  readonly listeners: readonly NodeListener[]
}

interface NodeListener {
  readonly name: string
  readonly protocol: string
  readonly port: number
}

function baseProperties(
  node: Node,
  nodes: readonly Node[],
  directory: string,
  advertised: string,
): Record<string, string | number> {
  const replication = nodes.length
  const others = node.listeners.map(({ name, port }) => `,${name}://127.0.0.1:${port}`).join('')
  const protocols = node.listeners.map(({ name, protocol }) => `,${name}:${protocol}`).join('')
  return {
    'process.roles': 'broker,controller',
    'node.id': node.id,
    'controller.quorum.voters': nodes.map(({ id, controllerPort }) => `${id}@127.0.0.1:${controllerPort}`).join(','),
    listeners: `PLAINTEXT://127.0.0.1:${node.port},CONTROLLER://127.0.0.1:${node.controllerPort}${others}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${node.port}${advertised}`,
    // Each in a place of its own, as in zones; nothing looks at it unasked.
    'broker.rack': `zone-${node.id}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': `PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT${protocols}`,
    'log.dirs': join(directory, `broker-${node.id}`),
    'auto.create.topics.enable': 'false',
    // A dead broker of three is noticed in 3 s instead of 9.
    'broker.session.timeout.ms': 3_000,
    'broker.heartbeat.interval.ms': 500,
    'offsets.topic.num.partitions': 3,
    'offsets.topic.replication.factor': replication,
    'transaction.state.log.num.partitions': 1,
    'transaction.state.log.replication.factor': replication,
    'transaction.state.log.min.isr': Math.min(2, replication),
    'share.coordinator.state.topic.num.partitions': 1,
    'share.coordinator.state.topic.replication.factor': replication,
    'share.coordinator.state.topic.min.isr': 1,
    // Groups: no wait for further members, and a killed member is noticed soon in either protocol.
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1_000,
    'group.consumer.min.session.timeout.ms': 1_000,
    'group.consumer.session.timeout.ms': 6_000,
    'group.consumer.min.heartbeat.interval.ms': 100,
    'group.consumer.heartbeat.interval.ms': 500,
    'group.consumer.assignment.interval.ms': 0,
    // Logs: retention and compaction within seconds, for the topics that ask for them; others keep records with any timestamp.
    'log.retention.ms': -1,
    'log.initial.task.delay.ms': 100,
    'log.retention.check.interval.ms': 500,
    'log.segment.delete.delay.ms': 1_000,
    'log.cleaner.backoff.ms': 200,
    'log.cleaner.dedupe.buffer.size': 4_194_304,
  }
}

/** Ports below the ephemeral range, so that no outgoing connection takes a stopped broker's port before it starts again. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const found = new Set<number>()
  for (let tries = 0; found.size < count; tries++) {
    if (tries > 1_000) throw new Error('no free ports between 20000 and 32000')
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    if (!found.has(port) && (await isFree(port))) found.add(port)
  }
  return [...found]
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
