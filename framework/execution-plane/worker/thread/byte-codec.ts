/** Numbers, texts and bytes in one buffer that can be handed to a thread without copying, and back. Knows nothing of what they mean. */
import { bug } from '../../../model/errors.ts'

/** Little-endian, without padding. Texts and bytes stand behind their length (u32); this one says null. */
const NULL_LENGTH = 0xffff_ffff

export function many<T>(count: number, read: () => T): readonly T[] {
  const all: T[] = []
  for (let index = 0; index < count; index++) all.push(read())
  return all
}

export class Writer {
  readonly #arrayBuffer: ArrayBuffer
  readonly #buffer: Buffer
  #at = 0

  constructor(size: number) {
    this.#arrayBuffer = new ArrayBuffer(size)
    this.#buffer = Buffer.from(this.#arrayBuffer)
  }

  u32(value: number): void {
    this.#at = this.#buffer.writeUInt32LE(value, this.#at)
  }

  f64(value: number): void {
    this.#at = this.#buffer.writeDoubleLE(value, this.#at)
  }

  text(text: string): void {
    const length = this.#buffer.write(text, this.#at + 4)
    this.u32(length)
    this.#at += length
  }

  bytes(bytes: Buffer | null): void {
    this.u32(bytes === null ? NULL_LENGTH : bytes.length)
    if (bytes === null) return
    this.#buffer.set(bytes, this.#at)
    this.#at += bytes.length
  }

  finish(): ArrayBuffer {
    if (this.#at !== this.#buffer.length) {
      throw bug('byte-codec', `wrote ${this.#at} bytes into a buffer of ${this.#buffer.length}`)
    }
    return this.#arrayBuffer
  }
}

export class Reader {
  readonly #buffer: Buffer
  #at = 0

  constructor(buffer: ArrayBuffer) {
    this.#buffer = Buffer.from(buffer)
  }

  u32(): number {
    this.#at += 4
    return this.#buffer.readUInt32LE(this.#at - 4)
  }

  f64(): number {
    this.#at += 8
    return this.#buffer.readDoubleLE(this.#at - 8)
  }

  text(): string {
    return (this.bytes() ?? Buffer.alloc(0)).toString()
  }

  bytes(): Buffer | null {
    const length = this.u32()
    if (length === NULL_LENGTH) return null
    this.#at += length
    return this.#buffer.subarray(this.#at - length, this.#at)
  }
}
