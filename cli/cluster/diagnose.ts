/** The examinations of `pyrallel doctor`: each looks at one thing, and says what to do when it is not well. Changes nothing. */

import type { KafkaSettings } from '../../framework/config/config.ts'
import { durationText } from '../../framework/config/option-schema.ts'
import type { TopicFacts } from '../../framework/kafka/kafka-client.ts'
import { byHandler } from '../../framework/model/by-handler.ts'
import { isTopicName } from '../../framework/model/topic-pattern.ts'
import type { ResolvedHandler } from '../../framework/runtime/runtime.ts'
import { type PlannedTopic, planTopics, wantedTopics } from './wanted-topics.ts'

export interface Finding {
  readonly what: string
  /** `skipped`: it could not be looked at. */
  readonly state: 'well' | 'warning' | 'ill' | 'skipped'
  readonly detail: string
  /** What to do; with everything but `well`. */
  readonly next?: string
}

const OLDEST_NODE = [20, 19] as const
/** The majors for which the maker of the native Kafka client offers a binary; on others it is compiled. */
const PREBUILT_FOR = [20, 21, 22, 23, 24]

export function examineNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isNew = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])
  const client = PREBUILT_FOR.includes(major)
    ? 'there is a binary of the native Kafka client for it'
    : 'the native Kafka client is compiled for it: CKJS_LINKING=dynamic npm install'
  if (isNew) return { what: 'Node', state: 'well', detail: `${version}: ${client}` }
  return { what: 'Node', state: 'ill', detail: version, next: `Install Node ${OLDEST_NODE.join('.')} or newer.` }
}

/** What decides when nothing starts any more rests on it. The client has no request for the settings of brokers and groups. */
export function examineSession({ groupProtocol, sessionTimeoutMs }: KafkaSettings, group: string): Finding {
  const what = 'session time-out'
  const own = durationText(sessionTimeoutMs)
  if (groupProtocol === 'classic')
    return { what, state: 'well', detail: `${own}, which this process asks the broker for` }
  return {
    what,
    state: 'skipped',
    detail: `kafka.sessionTimeout says ${own}; the broker decides, and the client cannot ask it`,
    next: `Compare with consumer.session.timeout.ms of the group, or else group.consumer.session.timeout.ms of the brokers (45 s by default): kafka-configs.sh --describe --all --entity-type groups --entity-name ${group}`,
  }
}

export function examineTopics(handlers: readonly ResolvedHandler[], existing: readonly TopicFacts[]): Finding {
  const planned = planTopics(wantedTopics(handlers), existing)
  const missing = planned.filter(({ partitions }) => partitions === undefined).map(({ name }) => name)
  if (missing.length === 0)
    return { what: 'topics', state: 'well', detail: `all ${planned.length} that handlers need are there` }
  return {
    what: 'topics',
    state: 'ill',
    detail: `missing: ${missing.join(', ')}`,
    next: 'Create them: pyrallel topics --create',
  }
}

/** Whether the partitions let each handler do as much at once as it may. One finding for each handler that they do not. */
export function examineConcurrency(
  handlers: readonly ResolvedHandler[],
  existing: readonly TopicFacts[],
  maxRecordsPerPartition: number,
): readonly Finding[] {
  const planned = planTopics(wantedTopics(handlers), existing)
  const each = [...byHandler(handlers, ({ route }) => route.handlerId).values()]
  const findings = each.flatMap((own) => concurrencyOf(own, planned, maxRecordsPerPartition) ?? [])
  if (findings.length > 0) return findings
  const isThere = ({ route }: ResolvedHandler) =>
    planned.some(({ name, partitions }) => name === route.topic && partitions !== undefined)
  if (!handlers.some(isThere)) {
    const detail = 'no topic that handlers read is there'
    return [{ what: 'concurrency', state: 'skipped', detail, next: 'Create the topics, and run it again.' }]
  }
  return [{ what: 'concurrency', state: 'well', detail: 'partitions and limits leave room for it in every handler' }]
}

function concurrencyOf(
  entries: readonly [ResolvedHandler, ...ResolvedHandler[]],
  planned: readonly PlannedTopic[],
  maxRecordsPerPartition: number,
): Finding | undefined {
  const [{ route, definition, file }] = entries
  const topics = entries.map((entry) => entry.route.topic).filter(isTopicName)
  // What a pattern matches comes and goes, and of no topic nothing can be said.
  if (topics.length === 0) return undefined
  const counts = topics.map((topic) => planned.find(({ name }) => name === topic)?.partitions)
  // Of its topics together; nothing is said while one is not there.
  const partitions = counts.reduce(
    (sum, count) => (sum === undefined || count === undefined ? undefined : sum + count),
    0,
  )
  if (partitions === undefined) return undefined
  const warn = (detail: string, next: string): Finding => ({
    what: `concurrency of ${route.handlerId}`,
    state: 'warning',
    detail,
    next,
  })
  const { concurrency, ordering } = route
  const [topic, verb] = [topics.join(' and '), topics.length > 1 ? 'have' : 'has']
  // The default is no statement about this handler; a number that was written is meant.
  if (ordering === 'partition' && definition.options.concurrency !== undefined && concurrency > partitions) {
    return warn(
      `${concurrency} is never reached: ${topic} ${verb} ${partitions} partitions, and ordering 'partition' runs one record of each at a time`,
      `Order by key, if that is enough, or lower the concurrency in ${file}.`,
    )
  }
  if (partitions * maxRecordsPerPartition < concurrency) {
    return warn(
      `${concurrency} is never reached: limits.maxRecordsPerPartition (${maxRecordsPerPartition}) times ${partitions} partitions is less`,
      'Raise limits.maxRecordsPerPartition.',
    )
  }
  if (partitions === 1) {
    return warn(
      `${topic} has one partition: only one process of the group can work on it`,
      'Give it more partitions, when one process is not enough. Keys move when they are added.',
    )
  }
  return undefined
}
