/** The public names of `pyrallel`. */

/** TypeBox's builders, so that generated files and schemas of one's own need no dependency of their own. */
export { Type } from 'typebox'
export type { Format, FormatOptions, PulledReference, PulledSchema } from './api/format.ts'
export { avro, jsonSchema, protobuf } from './api/format.ts'
export type {
  Batch,
  BatchFunction,
  BatchHandlerOptions,
  ContextPublish,
  HandlerContext,
  HandlerDefinition,
  HandlerFunction,
  HandlerOptions,
  HandlerRecord,
  NotBefore,
  OutputOptions,
  Publish,
  PublishOptions,
  RecordHeaders,
  Services,
  ThreadContext,
  TickContext,
  UndecodedRecord,
} from './api/handler.ts'
export { batchHandler, DeadLetter, handler, RetryAfter } from './api/handler.ts'
export type {
  AdaptiveOptions,
  BatchOptions,
  DeadLetterOptions,
  PoisonOptions,
  RetryOptions,
  WorkerOptions,
} from './api/options.ts'
export type { MatchedTopics, TopicDefinition, TopicOptions } from './api/topic.ts'
export { topic, topicsMatching } from './api/topic.ts'
export type { TrafficRecord, TrafficSource } from './api/traffic.ts'
export type { KafkaSettings, LoggingSettings, PyrallelConfig, ResolvedConfig } from './config/config.ts'
export { defineConfig } from './config/config.ts'
export { resolveConfig } from './config/resolve-config.ts'
export type { StrayFaultsOptions } from './execution-plane/engines/stray-faults.ts'
export { StrayFaults } from './execution-plane/engines/stray-faults.ts'
export type { KafkaConnectionOptions } from './kafka/clients/connect-kafka.ts'
export { connectKafka } from './kafka/clients/connect-kafka.ts'
export type { KafkaConnection } from './kafka/kafka-client.ts'
export type { ActionResult, BreakerAction, RecordAction, Refusal } from './model/action.ts'
export type { Duration } from './model/duration.ts'
export type { ErrorCode } from './model/errors.ts'
export { errorCodes, PyrallelError } from './model/errors.ts'
export type { EventSink, RuntimeEvent } from './model/events.ts'
export type {
  KeyExplanation,
  KeyRow,
  KeyRows,
  OpenBreaker,
  ParkedRow,
  RecordAt,
  RecordExplanation,
  RecordState,
  RetryRow,
  RetryRows,
  Wait,
} from './model/explanation.ts'
export type { Logger } from './model/logger.ts'
export type { OffsetRun, PartitionView, RunState, RunsLimits } from './model/partition-view.ts'
export type { KafkaRecord, OutgoingRecord, RecordHeader, TopicPartition } from './model/record.ts'
export type {
  BlockingRecord,
  GapMetrics,
  GroupMetrics,
  HandlerMetrics,
  PartitionMetrics,
  Ribbon,
  SystemMetrics,
  ThreadCounters,
  TickMetrics,
} from './model/snapshot.ts'
export type { ThreadAttempt, ThreadView } from './model/thread-view.ts'
export type { EngineKind, Ordering } from './model/work.ts'
export { createLogger } from './observability/logger.ts'
export type { PagesListener } from './observability/operator-pages.ts'
export type { Publisher } from './publishing/connect-publisher.ts'
export { connectPublisher } from './publishing/connect-publisher.ts'
export { createRuntime } from './runtime/create-runtime.ts'
export type { Inspection, RecordActions } from './runtime/inspection.ts'
export { resolveHandlers } from './runtime/resolve-handlers.ts'
export type { RegisteredHandler, ResolvedHandler, Runtime, RuntimeOptions } from './runtime/runtime.ts'
export type { Pyrallel, PyrallelOptions } from './runtime/start-pyrallel.ts'
export { startPyrallel } from './runtime/start-pyrallel.ts'
