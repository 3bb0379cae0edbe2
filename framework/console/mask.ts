/** What of records is shown: in production, texts of strangers are not, unless their topic was named. One rule for every answer. */
import { createHmac, randomBytes } from 'node:crypto'
import { cutText, isPlainText, keyLine } from '../model/plain-text.ts'
import type { PartitionMetrics, SystemMetrics } from '../model/snapshot.ts'
import type { BytesView } from './protocol.ts'

const MAX_TEXT = 2_048

export class Mask {
  /** `null`: all are shown. */
  readonly shownTopics: readonly string[] | null
  /** Of this process: the same key looks the same here, and nobody can try out keys elsewhere. */
  readonly #secret = randomBytes(32)

  constructor(shownTopics: readonly string[] | null) {
    this.shownTopics = shownTopics
  }

  shows(topic: string): boolean {
    return this.shownTopics === null || this.shownTopics.includes(topic)
  }

  key(topic: string, bytes: Buffer | null, maxBytes = 256): BytesView | null {
    if (bytes === null) return null
    if (this.shows(topic)) return keyView(bytes, maxBytes)
    // As snapshots have it: the same key looks the same there.
    return { text: this.#marked(keyLine(bytes, bytes.length)), bytes: bytes.length, isCut: false, isMasked: true }
  }

  /** Of a value or a header. */
  bytes(topic: string, bytes: Buffer | null, maxBytes: number): BytesView | null {
    if (bytes === null) return null
    if (this.shows(topic)) return bytesView(bytes, maxBytes)
    return { text: '', bytes: bytes.length, isCut: false, isMasked: true }
  }

  /** Of an error: its message, its stack. They quote values. */
  text(topic: string, text: string): string {
    return this.shows(topic) ? cutText(text, MAX_TEXT) : ''
  }

  /** The same, with the keys and messages of topics that are not shown masked. */
  snapshot(metrics: SystemMetrics): SystemMetrics {
    if (this.shownTopics === null) return metrics
    const groups = metrics.groups.map((group) => ({
      ...group,
      partitions: group.partitions.map((partition) =>
        this.shows(partition.topic) ? partition : this.#partition(partition),
      ),
    }))
    return { ...metrics, groups }
  }

  #partition(of: PartitionMetrics): PartitionMetrics {
    const { blocking } = of
    const { key = null, lastError = null } = blocking ?? {}
    return {
      ...of,
      openBreakerKeys: of.openBreakerKeys.map((each) => this.#marked(each)),
      blocking:
        blocking === null
          ? null
          : {
              ...blocking,
              key: key === null ? null : this.#marked(key),
              lastError: lastError === null ? null : { ...lastError, message: '' },
            },
    }
  }

  #marked(key: string): string {
    return `#${createHmac('sha256', this.#secret).update(key).digest('hex').slice(0, 16)}`
  }
}

/** Some bytes of a key are no text though they are UTF-8, as an id of a schema is: they are shown by their base64. */
function keyView(bytes: Buffer, maxBytes: number): BytesView {
  const view = bytesView(bytes, maxBytes)
  if (view.isCut) return { ...view, text: keyLine(bytes, maxBytes).slice(0, -1) }
  return isPlainText(bytes) ? view : { ...view, base64: bytes.toString('base64') }
}

function bytesView(bytes: Buffer, maxBytes: number): BytesView {
  const isCut = bytes.length > maxBytes
  const text = bytes.toString('utf8', 0, maxBytes)
  // What is cut may end within a character, which says nothing about the whole.
  const isText = isCut || Buffer.from(text).equals(bytes)
  const view = { text, bytes: bytes.length, isCut, isMasked: false }
  return isText ? view : { ...view, base64: bytes.toString('base64') }
}
