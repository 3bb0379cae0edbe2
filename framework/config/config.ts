/**
 * `pyrallel.config.ts`: every option, described once. Input type, resolved type, validation, defaults and the reference in the
 * docs/configuration.md derive from the schema below. Reads no file and no environment.
 */
import { type Static, Type } from 'typebox'
import type { UndecodedRecord } from '../api/handler.ts'
import { batchSchema } from './batch-schema.ts'
import { compression, fetchOptions, rack, waitOptions } from './connection-options.ts'
import { delays } from './delay-options.ts'
import { guards, retryRules } from './failure-options.ts'
import { http } from './http-options.ts'
import {
  duration,
  flag,
  integer,
  oneOf,
  options,
  type ResolvedOptions,
  section,
  withDefault,
  withoutDefault,
} from './option-schema.ts'
import { registry } from './registry-options.ts'
import { scale } from './scale-options.ts'
import { security } from './security-options.ts'
import { ticks } from './tick-options.ts'
import { workerSchema } from './worker-schema.ts'

const mebibyte = 1_048_576

/** Names as Kafka allows them for topics; used for groups and client ids too, so that they can stand in a topic's name. */
const kafkaName = '^[a-zA-Z0-9._-]{1,200}$'
const kafkaNameRange = '1 to 200 letters, digits, dots, dashes or underscores'

const handlerId = '^[^\\s:]{1,200}$'

const kafka = section({
  brokers: withDefault(
    Type.Array(Type.String({ pattern: '^[^\\s@,;]+:\\d{1,5}$' }), {
      minItems: 1,
      default: ['127.0.0.1:9092'],
      doc: {
        what: 'The brokers to ask first; the others of the cluster are found through them.',
        range: "a list of 'host:port', at least one, without user or password",
        worse: 'With one address only, a start fails while that broker is down.',
      },
    }),
  ),
  clientId: withDefault(
    Type.String({
      pattern: kafkaName,
      default: 'pyrallel',
      doc: {
        what: "The name under which this process appears in the broker's logs, quotas and metrics.",
        range: kafkaNameRange,
        worse: 'With one name for all services, nobody can tell on the broker which of them causes the load.',
      },
    }),
  ),
  client: oneOf(['auto', 'librdkafka', 'javascript'], 'auto', {
    what: "The client that speaks to the brokers: 'librdkafka' is native, 'javascript' needs nothing that is built. 'auto' is librdkafka where it loads, else the other, which one line of the log says.",
    worse:
      "With 'auto', a machine on which the native client was not built runs the other one. What 'javascript' cannot do, and says so when asked for: the classic protocol, settings of librdkafka, brokers before 4.0, zstd on Node 20.",
  }),
  groupProtocol: oneOf(['consumer', 'classic'], 'consumer', {
    what: "The protocol by which the members of a group share the partitions: 'consumer' is KIP-848, 'classic' the cooperative one before it.",
    worse:
      "'classic' rebalances more slowly; 'consumer' needs a broker of version 4.0 or later. Never mix the two in one group.",
  }),
  startFrom: oneOf(['earliest', 'latest'], 'earliest', {
    what: 'Where the group begins with a topic of which it has committed nothing yet. Partitions that are added later begin at their first record.',
    worse:
      "With 'latest', records that are older than the group are never handled; nor are those that came while it was away for so long that the broker has dropped its commits (7 days by default).",
  }),
  instanceId: withoutDefault(
    Type.String({
      pattern: kafkaName,
      doc: {
        what: 'A static name of this member (`group.instance.id`): its partitions wait for it over a restart.',
        range: `${kafkaNameRange}; unique in the group`,
        worse:
          "A member that dies keeps its partitions until the session time-out; with 'consumer', one that comes back sooner waits for that, too. Of two live members with one name, one ends: with 'consumer' the second, with 'classic' the first.",
      },
    }),
  ),
  sessionTimeout: duration(1_000, 3_600_000, '45s', {
    what: 'After so long without a heartbeat the group gives the partitions of a member to others. After two thirds of it without an acknowledged commit nothing starts. With the protocol `consumer` the broker decides (`group.consumer.session.timeout.ms`, or `consumer.session.timeout.ms` of the group): write here what it says.',
    worse:
      "Longer than the broker's: after a network fault two processes may be at one key. Shorter: a pause of the coordinator stops the group sooner, and with 'classic' a short one costs it its partitions.",
  }),
  fetch: fetchOptions,
  ...waitOptions,
  rack,
  compression,
  security,
  librdkafka: withDefault(
    Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]), {
      default: {},
      doc: {
        what: 'Settings that are passed to librdkafka as they are, for what no option is for. The client in JavaScript refuses them.',
        range:
          'names of librdkafka with texts, numbers or booleans; not those that Pyrallel sets itself, nor those of TLS and SASL where `security` is used, but for `ssl.crl.location`, `ssl.cipher.suites`, `ssl.curves.list`, `ssl.sigalgs.list` and `https.ca.*`',
        worse: 'Larger fetch sizes and queues take memory that the limits below do not count.',
      },
    }),
  ),
})

const retryPolicy = {
  attempts: integer(1, 1_000, 28, {
    what: 'All tries of a record, the first included. They are counted in the commits, so the next owner of its partition goes on with them: see docs/guarantees.md.',
    worse:
      'More: a bad record holds its key longer. Fewer: an outage that lasts longer than all delays together ends in the dead-letter topic.',
  }),
  backoff: oneOf(['fixed', 'exponential'], 'exponential', {
    what: "How the delay grows: 'fixed' stays at `min`, 'exponential' doubles up to `max`.",
    worse: "'fixed' keeps hitting a service that is down at the same pace.",
  }),
  min: duration(0, 3_600_000, '200ms', {
    what: 'The delay before the second try.',
    worse: 'Shorter: tries are used up before an outage is over. Longer: the key waits longer after every failure.',
  }),
  max: duration(0, 86_400_000, '30s', {
    what: 'The longest delay between two tries.',
    worse: 'Longer: the key waits on after the outage is over.',
  }),
  jitter: flag(true, {
    what: 'Spreads each delay at random over its upper half.',
    worse: 'Without it, records that failed together are tried again together.',
  }),
  maxAge: duration(0, 31_536_000_000, 0, {
    what: 'Once a record is so old, by its own timestamp, its next failure is its last; two attempts it has always. 0: its age does not matter.',
    worse: 'Shorter: what waited out an outage, or in a backlog, ends in the dead-letter topic after two tries.',
  }),
  then: oneOf(['dead-letter', 'park', 'park-alone'], 'dead-letter', {
    what: "What becomes of a record that has used up its attempts: 'dead-letter' sends it to the dead-letter topic. 'park' keeps it incomplete, in no slot, and the later records of its key wait behind it; 'park-alone' lets those go on. A parked record is retried, given up or discarded by hand, and goes to the dead-letter topic once it is in the way: see docs/failures.md.",
    worse:
      "'park': a key stands still until somebody looks. 'park-alone': later records of a key are done before the parked one. Both hold back the commit; `maxBlocking` bounds that.",
  }),
}

/** The options that a handler may set for itself and the config for all handlers. */
const ofHandlers = {
  concurrency: integer(1, 10_000, 100, {
    what: 'The most attempts of one handler in flight at once, in this process.',
    worse: 'More: more load on what the handler calls, and more to finish at a shutdown. Less: lower throughput.',
  }),
  ordering: oneOf(['key', 'partition', 'unordered'], 'key', {
    what: "Which records run one after the other: those of one key, those of one partition, or none. Records without a key may run in any order under 'key'.",
    worse:
      "'partition' allows one record per partition at a time; 'unordered' lets an older record overtake a newer one of its key.",
  }),
  timeout: duration(1, 86_400_000, '30s', {
    what: 'How long one attempt may take before its signal aborts and it counts as failed.',
    worse:
      'Longer: a call that hangs holds its key and its slot longer. Shorter: slow calls are repeated although they would have ended well.',
  }),
  retry: section(retryPolicy),
  ...guards,
}

const limits = section({
  maxRecords: integer(1, 10_000_000, 50_000, {
    what: 'The most records in memory (queued, in flight, waiting for a retry) before partitions are paused.',
    worse: 'More: more memory, and more to repeat after a crash. Less: too few keys at hand to fill the concurrency.',
  }),
  maxBytes: integer(1_024, 64 * 1_024 * mebibyte, 64 * mebibyte, {
    what: 'The most bytes of records in memory before partitions are paused.',
    worse: 'More: more memory. Less: large records are handled a few at a time.',
  }),
  maxRecordsPerPartition: integer(1, 10_000_000, 10_000, {
    what: 'The most records of one partition in memory before it is paused.',
    worse: 'More: one hot partition can take the place of all others. Less: a partition with few keys stalls sooner.',
  }),
  maxBytesPerPartition: integer(1_024, 64 * 1_024 * mebibyte, 32 * mebibyte, {
    what: 'The most bytes of one partition in memory before it is paused.',
    worse: 'More: one partition with large records can take the place of all others.',
  }),
  maxOffsetSpan: integer(1, 100_000_000, 1_000_000, {
    what: "The widest span between a partition's position and its highest completed offset.",
    worse: 'More: more bookkeeping behind one slow record. Less: one slow record stops its partition sooner.',
  }),
  maxUncommitted: integer(1, 100_000_000, 100_000, {
    what: 'The most records of a group that are done and that no acknowledged commit tells of; at it nothing starts.',
    worse:
      'More: more runs again after a crash while the coordinator does not answer. Less: fast handlers wait for commits, which then go out more often than `commit.minInterval`.',
  }),
})

const commit = section({
  minInterval: duration(0, 3_600_000, '100ms', {
    what: 'The shortest time between two commits of one group.',
    worse: 'Longer: more records run again after a crash. Shorter: more load on the group coordinator.',
  }),
  recovery: oneOf(['metadata', 'contiguous'], 'metadata', {
    what: "'metadata' stores completions above a gap with the commit, so that they do not run again; 'contiguous' stores the position only.",
    worse: "'contiguous': after a crash everything above the oldest unfinished record runs again.",
  }),
  takeOver: oneOf(['none', 'parallel-consumer', 'pyrallel-consumer'], 'none', {
    what: "Whose group this is to take over: what Confluent Parallel Consumer, or Pyrallel-Consumer, has stored as done above a partition's position does not run again ([Migrating](migrating.md#taking-a-group-over)).",
    worse:
      'Those formats have no check sum: what is damaged in a way that cannot be seen, or was mirrored from another cluster, skips records that nobody has handled. Take the option out when the group is taken over.',
  }),
  exactlyOnce: flag(false, {
    what: 'What handlers publish with their context, dead letters and offsets become visible together, in transactions ([Guarantees](guarantees.md#exactly-once)). For all groups of the process.',
    worse:
      'On: an output is seen only once its transaction is committed, so later by up to `commit.minInterval` and the time of a commit; more load on the brokers. A handler may still run twice.',
  }),
})

const shutdown = section({
  drain: duration(0, 3_600_000, '30s', {
    what: 'How long a shutdown waits for what is in flight. All else of it takes 10 s at most.',
    worse: 'Longer: deployments take longer. Shorter: more records are cut off and run again elsewhere.',
  }),
  revokeGrace: duration(0, 240_000, '5s', {
    what: 'How long a partition that is taken away may finish what is in flight.',
    worse: 'Longer: the whole group waits in the rebalance. Shorter: more records run again on the next owner.',
  }),
})

const logging = section({
  level: oneOf(['debug', 'info', 'warn', 'error', 'silent'], 'info', {
    what: 'The lowest level that is logged.',
    worse: "'debug' writes lines for every record; 'error' hides what someone should look at today.",
  }),
  pretty: withDefault(
    Type.Union([Type.Boolean(), Type.Literal('auto')], {
      default: 'auto',
      doc: {
        what: 'Lines for people (true) or JSON for machines (false).',
        range: "true, false, or 'auto': for people when the output is a terminal",
        worse: 'Lines for people cost more time and cannot be parsed.',
      },
    }),
  ),
})

/** Every option of `pyrallel.config.ts`. */
export const configSchema = options({
  group: Type.String({
    pattern: kafkaName,
    doc: {
      what: 'The consumer group of the handlers that name none. Offsets belong to it.',
      range: kafkaNameRange,
      worse:
        "Another name starts again at `kafka.startFrom`; a name that another service uses takes half of that service's records.",
    },
  }),
  kafka,
  registry,
  handlers: section(ofHandlers),
  paused: withDefault(
    Type.Array(Type.String({ pattern: handlerId }), {
      default: [],
      doc: {
        what: 'Handlers that are paused from the start: they hold their partitions, and nothing of them runs until the process begins without this, or `pyrallel.resume` is called.',
        range: 'a list of ids of handlers',
        worse:
          'Their lag grows. Records of a paused handler still count towards the limits of its group. Once these are full, the other handlers of the group get nothing either.',
      },
    }),
  ),
  limits,
  commit,
  shutdown,
  logging,
  http,
  scale,
})

/** Every option of `handler(topic, options, run)`, apart from `schema`, which belongs to the topic. */
export const handlerSchema = options({
  id: withoutDefault(
    Type.String({
      pattern: handlerId,
      doc: {
        what: 'Names the handler. Without it: its path below handlers/, without `.ts`.',
        range: '1 to 200 characters without spaces and colons',
        worse: 'A changed id looks like another handler to dashboards and alerts.',
      },
    }),
  ),
  group: withoutDefault(
    Type.String({
      pattern: kafkaName,
      doc: {
        what: 'The consumer group, when it is not that of the config.',
        range: kafkaNameRange,
        worse: 'Another name starts its own offsets.',
      },
    }),
  ),
  ...ofHandlers,
  retry: section({ ...retryPolicy, ...retryRules }),
  engine: oneOf(['async', 'worker'], 'async', {
    what: "Where the handler runs: 'async' on the event loop, for handlers that wait; 'worker' on threads of its own, for those that keep a core busy.",
    worse:
      "A handler that computes for long blocks everything else under 'async'; under 'worker', each record costs its way to a thread and back.",
  }),
  worker: workerSchema,
  batch: batchSchema,
  accept: withoutDefault(
    Type.Refine(
      Type.Unsafe<(record: UndecodedRecord) => boolean>({
        doc: {
          what: 'Records for which it says false are done as they arrive: not decoded, not queued, in no slot. It sees key, headers and timestamp.',
          range: 'a function of the undecoded record',
          worse: 'It runs on the event loop for every record that is fetched, before any order or limit.',
        },
      }),
      (value) => typeof value === 'function',
    ),
  ),
  ...ticks,
  ...delays,
  filter: withoutDefault(
    Type.Refine(
      Type.Unsafe<(record: never) => boolean>({
        doc: {
          what: 'Records for which it says false are done at once. Runs after validation; a throw counts as a failed attempt.',
          range: 'a function of the record',
          worse: 'Slow filters hold a slot like slow handlers.',
        },
      }),
      (value) => typeof value === 'function',
    ),
  ),
  deadLetter: withoutDefault(
    Type.Union(
      [
        Type.Literal(false),
        Type.Object(
          {
            topic: withoutDefault(
              Type.String({
                pattern: kafkaName,
                doc: {
                  what: 'Without it: `<topic>.<group>.dlq`.',
                  range: kafkaNameRange,
                  worse: 'With one topic for several handlers, their letters can be told apart by a header only.',
                },
              }),
            ),
            payload: oneOf(['full', 'metadata'], 'full', {
              what: "What of the record goes along: 'metadata' leaves the value out, for what must not be kept twice.",
              worse: "With 'metadata', a record cannot be replayed from there.",
            }),
          },
          { additionalProperties: false },
        ),
      ],
      {
        doc: {
          what: "Where records go that cannot be handled, and what of them. Without it: all of them, to `<topic>.<group>.dlq`. `payload: 'metadata'` leaves the value out.",
          range: "{ topic: 'name', payload: 'full' or 'metadata' }, each of them optional, or false to drop them",
          worse:
            'false loses every record that cannot be handled. Without the value, a record cannot be replayed from there.',
        },
      },
    ),
  ),
})

type ConfigOptions = Static<typeof configSchema>

/** What `pyrallel.config.ts` exports. The sections named after a mode count only in that mode, over the rest. */
export interface PyrallelConfig extends ConfigOptions {
  /** For `pyrallel dev`. */
  readonly development?: Partial<ConfigOptions>
  /** For `pyrallel start`. */
  readonly production?: Partial<ConfigOptions>
  readonly test?: Partial<ConfigOptions>
}

/** The config with every default in place; durations are milliseconds. */
export type ResolvedConfig = ResolvedOptions<(typeof configSchema)['properties']>

export type LoggingSettings = ResolvedConfig['logging']
export type KafkaSettings = ResolvedConfig['kafka']

/** Types `pyrallel.config.ts`: `export default defineConfig({ group: 'billing' })`. Checks nothing yet. */
export function defineConfig(config: PyrallelConfig): PyrallelConfig {
  return config
}
