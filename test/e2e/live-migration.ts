/** A migration while orders come in: members of the old library and ours are in one group at once, and the old ones leave. */
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import type { RecordProducer } from '../../framework/kafka/kafka-client.ts'
import {
  keyOf,
  keysOfEach,
  type Migration,
  partitions,
  placeOf,
  produceRow,
  untilCommitted,
  whileAlive,
} from './migration.ts'
import type { Saved, Started } from './migration-project.ts'

const PACE_MS = 10
/** What ours has to do alone, at the end. */
const ALONE = 100

export interface Live {
  /** Of all members, in order. */
  readonly saved: readonly Saved[]
  /** What came in while the members changed. */
  readonly orders: number
  /** Orders that were saved more than once. */
  readonly again: number
}

/**
 * Two old members at work, then ours beside them, then one old member less, then none.
 * @throws AssertionError when an order is lost, or comes before the one before it of its key
 */
export async function migrateLive(
  migration: Omit<Migration, 'ends' | 'view'>,
  producer: RecordProducer,
): Promise<Live> {
  const { project, cluster, command, group, topic } = migration
  const run = { brokers: cluster.brokers, group, file: `${group}.txt` }
  await cluster.admin.createTopic(`${topic}.${group}.dlq`)
  const traffic = new Traffic(producer, topic)
  const countOf = ({ child }: Started) => project.saved(run.file).filter(({ by }) => by === child.pid).length
  const goesOn = async (member: Started, what: string, more = 1) => {
    const goal = countOf(member) + more
    await whileAlive(
      member,
      () => what,
      () => countOf(member) >= goal,
    )
  }
  const old = [await project.startOld(command, run), await project.startOld(command, run)]
  for (const each of old) await goesOn(each, 'an old member is at work')
  const ours = await project.startNew(run)
  await goesOn(ours, 'ours is at work')
  for (const each of old) {
    await goesOn(each, 'an old member is at work beside ours')
    each.child.kill('SIGTERM')
    assert.equal(await each.ended, 0, each.output())
    await goesOn(ours, 'ours goes on')
  }
  await goesOn(ours, 'ours is at work alone', ALONE)
  const rows = await traffic.stop()
  await untilCommitted(migration, ours, rows)
  ours.child.kill('SIGTERM')
  assert.equal(await ours.ended, 0, ours.output())
  const saved = project.saved(run.file)
  const orders = rows * partitions
  return { saved, orders, again: againIn(saved, orders) }
}

function againIn(saved: readonly Saved[], orders: number): number {
  const seen = new Set<string>()
  for (const { id } of saved) {
    const { partition, offset } = placeOf(id)
    const before = `${partition}-${offset - keysOfEach}`
    assert.ok(offset < keysOfEach || seen.has(before), `${id} came before ${before} of the same key, ${keyOf(id)}`)
    seen.add(id)
  }
  assert.equal(seen.size, orders)
  return saved.length - seen.size
}

/** An order in each partition after the other, until it is stopped. */
class Traffic {
  #isStopped = false
  readonly #rows: Promise<number>

  constructor(producer: RecordProducer, topic: string) {
    this.#rows = this.#run(producer, topic)
    this.#rows.catch(() => {})
  }

  /** @returns the orders of each partition */
  stop(): Promise<number> {
    this.#isStopped = true
    return this.#rows
  }

  async #run(producer: RecordProducer, topic: string): Promise<number> {
    let rows = 0
    for (; !this.#isStopped; rows++) {
      await produceRow(producer, topic, rows)
      await delay(PACE_MS)
    }
    return rows
  }
}
