/** The shape of one request and its answer. Versions are chosen by who sends it. */
import type { KafkaReader, KafkaWriter } from './binding.ts'

/** One of Kafka's requests, and which versions of it are written and read here. */
export interface Api {
  readonly name: string
  readonly key: number
  readonly lowest: number
  readonly highest: number
}

/** Only flexible versions (KIP-482), except the one of ApiVersions by which a connection begins. */
export interface ApiCall<A> {
  readonly api: Api
  write(writer: KafkaWriter, version: number): unknown
  /** Errors stand in the answer by their codes: one bad partition must not hide the others. */
  read(reader: KafkaReader, version: number): A
}
