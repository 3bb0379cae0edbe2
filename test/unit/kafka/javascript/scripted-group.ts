/** A coordinator that says what a test tells it to, for the consumer as a whole: requests are read from what is written, answers are given as they are. */
import type { Brokers } from '../../../../framework/kafka/javascript/brokers.ts'
import type { ApiCall } from '../../../../framework/kafka/javascript/call.ts'
import { KafkaFault } from '../../../../framework/kafka/javascript/errors.ts'
import type { HeartbeatAnswer } from '../../../../framework/kafka/javascript/membership-steps.ts'
import { written } from './written-request.ts'

export const TOPIC_ID = 'a3c5f4b0-0000-4000-8000-000000000001'
const TOPIC = 'orders'
export const UNKNOWN_MEMBER = 25
const NO_ANSWER = -185

/** With a code, a refusal. */
type Beat = Partial<HeartbeatAnswer> & { readonly code?: number }

interface StoredCommit {
  readonly memberEpoch: number
  readonly position: number
}

export class ScriptedGroup {
  /** Each is said once, the last one for ever. */
  readonly beats: Beat[] = []
  /** As many commits are stored, and never answered. */
  unansweredCommits = 0
  /** The code with which commits are refused; 0 stores them. */
  refusesCommits = 0
  readonly stored: StoredCommit[] = []
  /** Epochs of the heartbeats, in their order. */
  readonly heartbeats: number[] = []
  /** What the group has committed when somebody asks. */
  committed = -1
  #onRequest: () => void = () => {}

  /** As far as the consumer uses them. */
  get brokers(): Brokers {
    const partitions = [{ partition: 0, leader: 1, leaderEpoch: 0 }]
    const topics = [{ code: 0, name: TOPIC, id: TOPIC_ID, isInternal: false, partitions }]
    const link = { call: (call: ApiCall<unknown>) => this.#answer(call) }
    const brokers = {
      coordinator: () => Promise.resolve(link),
      // Fetches wait for ever.
      node: () => ({ call: () => new Promise(() => {}) }),
      metadata: () => Promise.resolve({ brokers: [], topics }),
      topicsById: () => Promise.resolve(topics),
      inTime: (asked: Promise<unknown>) => asked,
      retried: (_: number, ask: () => Promise<unknown>) => ask(),
      learnAddress() {},
      close() {},
    }
    return brokers as unknown as Brokers
  }

  /** Something was asked. */
  requested(): Promise<void> {
    return new Promise((resolve) => {
      this.#onRequest = resolve
    })
  }

  async #answer(call: ApiCall<unknown>): Promise<unknown> {
    const values = written(call)
    this.#onRequest()
    if (call.api.name === 'ConsumerGroupHeartbeat') {
      this.heartbeats.push(values[2] as number)
      const beat = this.beats.length > 1 ? this.beats.shift() : this.beats[0]
      return { code: 0, message: null, memberEpoch: 1, heartbeatIntervalMs: 1_000, assignment: null, ...asTold(beat) }
    }
    if (call.api.name === 'OffsetFetch') {
      const partitions = [{ topic: TOPIC_ID, partition: 0, position: this.committed, metadata: '', code: 0 }]
      return { code: 0, partitions }
    }
    if (call.api.name !== 'OffsetCommit') throw new Error(`${call.api.name} is not scripted`)
    if (this.refusesCommits > 0) return [{ topic: TOPIC_ID, partition: 0, code: this.refusesCommits }]
    this.stored.push({ memberEpoch: values[1] as number, position: Number(values[6]) })
    if (this.unansweredCommits === 0) return [{ topic: TOPIC_ID, partition: 0, code: 0 }]
    this.unansweredCommits -= 1
    throw new KafkaFault(NO_ANSWER, 'no answer in time')
  }
}

/** Lists of partitions as they stand on the wire, by topic. */
function asTold(beat: Beat | undefined): object {
  if (beat?.assignment === undefined || beat.assignment === null) return beat ?? {}
  const partitions = beat.assignment.map(({ partition }) => partition)
  return { ...beat, assignment: partitions.length === 0 ? [] : [{ topicId: TOPIC_ID, partitions }] }
}
