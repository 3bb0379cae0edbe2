/** What the attempts of one handler share: its definition, its decoder, and how often its faults are logged. Runs nothing. */
import type { HandlerDefinition, Publish, Services } from '../../api/handler.ts'
import { FormatDecoder, type SchemaSource } from '../../formats/format-decoder.ts'
import { loadCodec } from '../../formats/value-codec.ts'
import { PyrallelError } from '../../model/errors.ts'
import type { Logger } from '../../model/logger.ts'
import type { RecordHeader } from '../../model/record.ts'
import type { WatchedBy } from '../../model/record-watch.ts'
import { totalLogger } from '../../model/total-logger.ts'
import type { OutputRules } from '../../publishing/output-rules.ts'
import type { PublishInto } from '../../publishing/publisher.ts'
import type { Clock } from '../../time/clock.ts'
import { LogGate } from '../../time/log-gate.ts'
import type { AttemptTracer } from '../../tracing/attempt-tracer.ts'
import { slowPatterns } from '../../validation/slow-patterns.ts'
import { ValueDecoder } from '../../validation/value-decoder.ts'
import type { Attribution } from './attribution.ts'

/** The same fault of a handler's attempts is logged at most so often. */
const FAULT_INTERVAL_MS = 10_000

/** How outputs are encoded, and what they must keep to. */
export interface Keeping {
  readonly publishInto: PublishInto
  readonly rules: OutputRules
}

export interface HandlerSetup {
  readonly handlerId: string
  readonly definition: HandlerDefinition<unknown>
  /** How long one attempt may take. Milliseconds. */
  readonly timeoutMs: number
  readonly publish: Publish
  /** Of exactly-once groups: what attempts publish is not sent by `publish`, but kept by these. Ticks may not publish. */
  readonly keeping?: Keeping | undefined
  /** Undefined in threads, and where nobody has given any. */
  readonly services?: Services | undefined
  readonly log: Logger
  readonly clock: Clock
  /** Undefined where nobody traces. */
  readonly trace?: AttemptTracer | undefined
  /** Undefined where nobody catches what handlers leave behind. */
  readonly attribution?: Attribution | undefined
  /** Where the schemas come from of values that are not JSON, and of keys that are not text; undefined where there is no registry. */
  readonly schemas?: SchemaSource | undefined
  /** Undefined in threads. */
  readonly watchedBy?: WatchedBy | undefined
}

/** What reads the values, or the keys, of one topic. */
export interface Decoder {
  /** The value, a `RejectedValue`, or an `UnreadyValue`. */
  decode(bytes: Buffer | null, headers: readonly RecordHeader[]): unknown
}

/** A copy: what is retried is what was fetched, whatever a handler writes into it. */
const asBytes: Decoder = { decode: (bytes) => (bytes === null ? null : Buffer.from(bytes)) }

/** A handler made ready to be called many times: what can be done once is done here. */
export class PreparedHandler {
  readonly setup: HandlerSetup
  /** That of its only topic, or of its first. */
  readonly #decoder: Decoder
  /** Of all its topics by name; undefined where it has one. */
  readonly #decoders: ReadonlyMap<string, Decoder> | undefined
  /** By topic, of those whose keys have a format; undefined where none has, which costs its records nothing. */
  readonly keyDecoders: ReadonlyMap<string, Decoder> | undefined
  /** Of all its attempts: a handler that fails in one way fails so a thousand times a second. */
  readonly faults: LogGate
  /** For lines of our own; `setup.log` is what the handler gets to see. */
  readonly log: Logger

  private constructor(
    setup: HandlerSetup,
    decoder: Decoder,
    decoders: ReadonlyMap<string, Decoder> | undefined,
    keyDecoders: ReadonlyMap<string, Decoder>,
  ) {
    this.setup = setup
    this.keyDecoders = keyDecoders.size === 0 ? undefined : keyDecoders
    this.#decoder = decoder
    this.#decoders = decoders
    this.faults = new LogGate(setup.clock, FAULT_INTERVAL_MS)
    this.log = totalLogger(setup.log)
  }

  /** @throws PyrallelError PYR_HANDLER_OPTION when a topic's schema cannot be compiled, or is to come from a registry that there is not */
  static async of(setup: HandlerSetup): Promise<PreparedHandler> {
    const { handlerId, log, clock, schemas } = setup
    const { topic, topics } = setup.definition
    const rulesOf = slowPatterns(log, clock, { handlerId })
    const decoderOf = async ({ schema, name, format, values }: typeof topic): Promise<Decoder> => {
      if (values === 'bytes') return asBytes
      if (format === undefined) return ValueDecoder.of(schema, handlerId, rulesOf(name))
      await loadCodec(format.schema)
      return FormatDecoder.of(format, handlerId, schemas, rulesOf(name))
    }
    const keyDecoders = new Map<string, Decoder>()
    for (const { name, keyFormat } of topics ?? [topic]) {
      if (keyFormat === undefined) continue
      await loadCodec(keyFormat.schema)
      keyDecoders.set(name, FormatDecoder.of(keyFormat, handlerId, schemas, rulesOf(name), 'key'))
    }
    if (topics === undefined) return new PreparedHandler(setup, await decoderOf(topic), undefined, keyDecoders)
    const decoders = new Map<string, Decoder>()
    for (const each of topics) decoders.set(each.name, await decoderOf(each))
    return new PreparedHandler(setup, decoders.get(topic.name) ?? (await decoderOf(topic)), decoders, keyDecoders)
  }

  /** @throws PyrallelError PYR_USAGE where there are none */
  get services(): Services {
    const { services, handlerId } = this.setup
    if (services !== undefined) return services
    const facts = `Handler ${handlerId} asked for context.services, and there are none here.`
    const next = 'Worker threads have none, nor has a process that `pyrallel start` or `pyrallel dev` has begun'
    throw new PyrallelError(
      'PYR_USAGE',
      `${facts} startPyrallel({ services }) gives them to handlers on the event loop. ${next}.`,
    )
  }

  /** What reads the values of this topic. */
  decoderOf(topic: string): Decoder {
    return this.#decoders?.get(topic) ?? this.#decoder
  }
}
