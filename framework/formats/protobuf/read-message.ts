/** The one place that reads bytes as a message. Wait for `loadProtobuf` first. */
import type { DescMessage, Message } from '@bufbuild/protobuf'
import { protobufLibrary } from './protobuf-library.ts'

/** @throws Error in words that go on after "the value cannot be read:" */
export function readMessage(message: DescMessage, bytes: Uint8Array): Message {
  try {
    return protobufLibrary().core.fromBinary(message, bytes)
  } catch (thrown) {
    // The library's RangeError: left as it is, it would be taken for a stack that is full.
    if (!(thrown instanceof RangeError) || thrown.message !== 'premature EOF') throw thrown
    throw new Error('the value ends too early', { cause: thrown })
  }
}
