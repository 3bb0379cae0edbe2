/**
 * One migration: the program of the other library handles half of a topic and ends, and a project of Pyrallel goes on in its group. Each order is a line in
 * a file, in both. What ran twice is judged by the group's commits alone.
 */
import assert from 'node:assert/strict'
import type { ClusterView, GroupOffset, RecordProducer } from '../../framework/kafka/kafka-client.ts'
import type { CommittedOffset } from './kafka-admin.ts'
import type { KafkaCluster } from './kafka-harness.ts'
import { AnswerReader, int32, request, text } from './kafka-request.ts'
import { eventually } from './member-process.ts'
import type { MigrationProject, Started } from './migration-project.ts'

export const partitions = 4
const recordsOfEach = 400
const records = partitions * recordsOfEach
export const keysOfEach = 20

/** Fills a topic. An order's id is where it stands: `partition-offset`. */
export async function produceOrders(producer: RecordProducer, topic: string): Promise<void> {
  await Promise.all(Array.from({ length: recordsOfEach }, (_, offset) => produceRow(producer, topic, offset)))
}

/** The next order of each partition. */
export async function produceRow(producer: RecordProducer, topic: string, offset: number): Promise<void> {
  const all = Array.from({ length: partitions }, (_, partition) => {
    const id = `${partition}-${offset}`
    const key = Buffer.from(keyOf(id))
    return producer.produce({ topic, partition, key, value: Buffer.from(JSON.stringify({ id })), headers: [] })
  })
  await Promise.all(all)
}

export function placeOf(id: string): { readonly partition: number; readonly offset: number } {
  const [partition = 0, offset = 0] = id.split('-').map(Number)
  return { partition, offset }
}

export function keyOf(id: string): string {
  const { partition, offset } = placeOf(id)
  return `customer-${partition}-${offset % keysOfEach}`
}

/** What a migration needs to know. */
export interface Migration {
  readonly cluster: KafkaCluster
  readonly view: ClusterView
  readonly project: MigrationProject
  /** What starts the old program. */
  readonly command: readonly string[]
  readonly topic: string
  readonly group: string
  /** As Kafka knows it, where the old library makes another name of it. */
  readonly groupOfKafka?: string
  readonly ends: 'in order' | 'by a kill'
  /** The exit code of the old program after SIGTERM, where that is not 0; null for one that ends by the signal. */
  readonly exitCode?: number | null
  /** How long an order takes: longer for a program that does many at once, so that it is caught half-way. 2 by default. */
  readonly saveMs?: number
}

export interface Migrated {
  /** Ids that the old program has written, in order. */
  readonly before: readonly string[]
  readonly after: readonly string[]
  /** Ids that both have written. */
  readonly twice: ReadonlySet<string>
  /** What the old program had committed when it was gone. */
  readonly committed: readonly GroupOffset[]
}

/** @throws AssertionError when an order is lost, or comes before an earlier one of its key */
export async function migrate(migration: Migration): Promise<Migrated> {
  const { project, group, cluster, topic } = migration
  const files = { before: `${group}-before.txt`, after: `${group}-after.txt` }
  await cluster.admin.createTopic(`${topic}.${migration.groupOfKafka ?? group}.dlq`)
  await runOld(migration, files.before)
  const committed = await settledCommits(migration)
  await runNew(migration, files.after)
  const [before, after] = [files.before, files.after].map((file) => project.saved(file).map(({ id }) => id)) as [
    string[],
    string[],
  ]
  assert.equal(new Set([...before, ...after]).size, records)
  checkOrder(before)
  checkOrder(after)
  const isBefore = new Set(before)
  return { before, after, twice: new Set(after.filter((id) => isBefore.has(id))), committed }
}

/** What a consumer that knows the positions alone runs again: all that is done above them. */
export function aboveThePositions({ before, committed }: Migrated): ReadonlySet<string> {
  const positions = new Map(committed.map(({ partition, position }) => [partition, position]))
  return new Set(before.filter((id) => placeOf(id).offset >= (positions.get(placeOf(id).partition) ?? 0)))
}

function checkOrder(ids: readonly string[]): void {
  const last = new Map<string, number>()
  for (const id of ids) {
    const before = last.get(keyOf(id)) ?? -1
    assert.ok(before < placeOf(id).offset, `${id} came after offset ${before} of its key`)
    last.set(keyOf(id), placeOf(id).offset)
  }
}

async function runOld(migration: Migration, file: string): Promise<void> {
  const { project, command, cluster, group, ends, exitCode = 0, saveMs = 2 } = migration
  const { brokers } = cluster
  const old = await project.startOld(command, { brokers, group, file, saveMs })
  await whileAlive(
    old,
    () => `half of the orders are saved, not ${project.saved(file).length}`,
    () => project.saved(file).length >= records / 2,
  )
  old.child.kill(ends === 'in order' ? 'SIGTERM' : 'SIGKILL')
  const end = await old.ended
  if (ends === 'in order') assert.equal(end, exitCode, old.output())
}

/** What is committed once the group has no member: after a kill, when the session has ended. */
async function settledCommits(migration: Migration): Promise<readonly GroupOffset[]> {
  const { cluster, view } = migration
  const group = migration.groupOfKafka ?? migration.group
  let state = ''
  await eventually(
    () => `the old group has no member: ${state}`,
    async () => {
      state = await stateOfClassicGroup(cluster.brokers, group)
      return state === 'Empty'
    },
  )
  return await view.groupOffsets(group)
}

/** Until it has committed everything, and has stopped in order. */
async function runNew(migration: Migration, file: string): Promise<void> {
  const { project, cluster, groupOfKafka, group } = migration
  const ours = await project.startNew({ brokers: cluster.brokers, group: groupOfKafka ?? group, file })
  await untilCommitted(migration, ours)
  ours.child.kill('SIGTERM')
  assert.equal(await ours.ended, 0, ours.output())
}

export async function untilCommitted(
  migration: Omit<Migration, 'ends' | 'view'>,
  ours: Started,
  end = recordsOfEach,
): Promise<void> {
  const { cluster, topic, groupOfKafka, group } = migration
  let last: readonly CommittedOffset[] = []
  await whileAlive(
    ours,
    () => `everything is committed: ${JSON.stringify(last)}`,
    async () => {
      last = await cluster.admin.committed(groupOfKafka ?? group, topic)
      return last.length === partitions && last.every(({ offset }) => offset === end)
    },
  )
}

export async function whileAlive(
  { child, output }: Started,
  what: () => string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  await eventually(
    () => `${what()}\n${output()}`,
    async () => {
      assert.equal(child.exitCode, null, output())
      return await condition()
    },
  )
}

/** `Empty`, `Stable` and others. */
async function stateOfClassicGroup(broker: string, group: string): Promise<string> {
  const answer = new AnswerReader(await request(broker, { key: 15, version: 0 }, [int32(1), text(group)]))
  const [state] = answer.each(() => {
    // Its error code and its name.
    answer.int16()
    answer.text()
    return answer.text()
  })
  return state ?? ''
}
