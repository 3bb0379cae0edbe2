/** Sends single requests of Kafka's own protocol over a socket, where the client library has no call for them. Loopback, no security. */
import { once } from 'node:events'
import { connect } from 'node:net'

export function byte(value: number): Buffer {
  return Buffer.from([value])
}

export function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

export function int64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(value))
  return bytes
}

export function text(value: string | null): Buffer {
  return value === null ? int16(-1) : Buffer.concat([int16(Buffer.byteLength(value)), Buffer.from(value)])
}

/** Of the flexible versions: lengths are one more, and 0 is null. Shorter than 127 here, so each is one byte. */
export function compactText(value: string | null): Buffer {
  return value === null ? byte(0) : Buffer.concat([byte(Buffer.byteLength(value) + 1), Buffer.from(value)])
}

export function compactArray(elements: readonly Buffer[] | null): Buffer {
  return elements === null ? byte(0) : Buffer.concat([byte(elements.length + 1), ...elements])
}

/** Stands behind each structure of a flexible version. */
export const noTags = byte(0)

interface Api {
  readonly key: number
  readonly version: number
}

/** @returns the answer behind its length, correlation and tags */
export async function flexibleRequest(broker: string, api: Api, body: readonly Buffer[]): Promise<Buffer> {
  return (await request(broker, api, [noTags, ...body, noTags])).subarray(1)
}

/** @returns the answer behind its length and correlation */
export async function request(broker: string, api: Api, body: readonly Buffer[]): Promise<Buffer> {
  const [host, port] = broker.split(':')
  const socket = connect(Number(port), host)
  socket.setTimeout(20_000, () => socket.destroy(new Error('the broker does not answer')))
  try {
    await once(socket, 'connect')
    const message = Buffer.concat([int16(api.key), int16(api.version), int32(1), text('raw'), ...body])
    socket.write(Buffer.concat([int32(message.length), message]))
    let answer = Buffer.alloc(0)
    for await (const part of socket) {
      answer = Buffer.concat([answer, part])
      if (answer.length >= 4 && answer.length >= 4 + answer.readInt32BE(0)) break
    }
    return answer.subarray(8)
  } finally {
    socket.destroy()
  }
}

/** Reads an answer of the versions that are not flexible, field by field. */
export class AnswerReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  byte(): number {
    return this.#bytes.readInt8(this.#pass(1))
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#pass(2))
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#pass(4))
  }

  text(): string | null {
    const length = this.int16()
    if (length < 0) return null
    const from = this.#pass(length)
    return this.#bytes.toString('utf8', from, from + length)
  }

  each<T>(read: () => T): readonly T[] {
    return Array.from({ length: this.int32() }, read)
  }

  #pass(length: number): number {
    this.#at += length
    return this.#at - length
  }
}
