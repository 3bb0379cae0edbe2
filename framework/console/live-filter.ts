/** Which records somebody wants to see. Looks at records, keeps none. */
import type { KafkaRecord } from '../model/record.ts'
import { askedKey } from './asked-key.ts'
import { ApiFault } from './http/fault.ts'
import { LiveSampler } from './live-sampler.ts'
import type { Mask } from './mask.ts'
import type { LiveFilter, LiveStatus } from './protocol-live.ts'

const MAX_TEXT_BYTES = 65_536
/** Values are looked at for so many bytes a tenth of a second. */
const TURN_BYTES = 2_097_152
const TURN_MS = 100

export class CompiledFilter {
  readonly id: string
  readonly sampler = new LiveSampler()
  readonly #of: LiveFilter
  readonly #key: Buffer | undefined
  readonly #text: Buffer | undefined
  readonly #mask: Mask
  #turnAt = 0
  #bytesLeft = TURN_BYTES

  /** @throws ApiFault for a key that `askedKey` refuses, and for a text or a header of a topic that is masked */
  constructor(id: string, of: LiveFilter, mask: Mask) {
    const { topic, header, text } = of
    const looksInside = header !== undefined || text !== undefined
    if (looksInside && topic !== undefined && !mask.shows(topic)) {
      const next = 'Leave text and header out, or list the topic in http.console.shownTopics.'
      throw new ApiFault('forbidden', `What is in records of ${topic} is not shown here, and not searched.`, next)
    }
    this.id = id
    this.#of = of
    this.#mask = mask
    this.#key = askedKey(of)
    if (text !== undefined) this.#text = Buffer.from(text)
  }

  /** Whether this record is to be followed; of many, every nth. */
  picks(group: string, handlerId: string, record: KafkaRecord, now: number): boolean {
    return this.#isWanted(group, handlerId, record, now) && this.sampler.picks(now)
  }

  /** Of one that is followed. */
  showsStatus(status: LiveStatus): boolean {
    return this.#of.status === undefined || this.#of.status === status
  }

  #isWanted(group: string, handlerId: string, record: KafkaRecord, now: number): boolean {
    const of = this.#of
    if (of.topic !== undefined && of.topic !== record.topic) return false
    if (of.group !== undefined && of.group !== group) return false
    if (of.handlerId !== undefined && of.handlerId !== handlerId) return false
    if (this.#key !== undefined && record.key?.equals(this.#key) !== true) return false
    if (of.header === undefined && this.#text === undefined) return true
    return this.#mask.shows(record.topic) && this.#hasHeader(record) && this.#hasText(record, now)
  }

  #hasHeader({ headers }: KafkaRecord): boolean {
    const { header } = this.#of
    if (header === undefined) return true
    const { name, value } = header
    return headers.some(([each, bytes]) => each === name && (value === undefined || bytes?.toString() === value))
  }

  #hasText({ value }: KafkaRecord, now: number): boolean {
    if (this.#text === undefined) return true
    if (value === null || value.length < this.#text.length) return false
    if (now - this.#turnAt >= TURN_MS) {
      this.#turnAt = now
      this.#bytesLeft = TURN_BYTES
    }
    const bytes = Math.min(value.length, MAX_TEXT_BYTES)
    // What is not looked at for want of time is missed: the handlers go first.
    if (this.#bytesLeft < bytes) return false
    this.#bytesLeft -= bytes
    return value.subarray(0, bytes).includes(this.#text)
  }
}
