/** Which message of its file a value is, as Confluent's serializers write it between the name of the schema and the value: the indexes of messages, outermost first. */
import type { DescFile, DescMessage } from '@bufbuild/protobuf'

/** Deeper than anybody nests messages. */
const MOST_INDEXES = 100

/** Zigzag varints, their count first. The first message of a file is the single byte 0. */
export function writtenIndexes(message: DescMessage): Buffer {
  const indexes: number[] = []
  for (let at: DescMessage | undefined = message; at !== undefined; at = at.parent) {
    indexes.unshift((at.parent?.nestedMessages ?? at.file.messages).indexOf(at))
  }
  if (indexes.length === 1 && indexes[0] === 0) return Buffer.of(0)
  return Buffer.from([indexes.length, ...indexes].flatMap((each) => varint(each * 2)))
}

/**
 * @returns which message they say, `undefined` where the file has none there, and where what follows them begins
 * @throws Error in words that go on after "the value cannot be read:"
 */
export function readIndexes(
  file: DescFile,
  bytes: Uint8Array,
  from: number,
): { readonly message: DescMessage | undefined; readonly end: number } {
  try {
    const { indexes, end } = indexesIn(bytes, from)
    const message = indexedMessage(file, indexes)
    if (message !== undefined || !isNamed(bytes, from)) return { message, end }
  } catch (thrown) {
    if (!isNamed(bytes, from)) throw thrown
  }
  throw new Error(
    'the name of its message stands in front of it, as Apicurio has it, and indexes are read, as Confluent has them',
  )
}

function indexesIn(bytes: Uint8Array, from: number): { readonly indexes: readonly number[]; readonly end: number } {
  let at = from
  const next = () => {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = bytes[at]
      if (byte === undefined) throw new Error('it ends in the indexes of its message')
      at += 1
      value += (byte & 127) * 2 ** shift
      // Lengths and indexes are not negative: the sign of a zigzag is its last bit.
      if (byte < 128 && value % 2 === 0) return value / 2
      if (byte < 128) break
    }
    throw new Error('the indexes of its message are none')
  }
  const count = next()
  if (count > MOST_INDEXES) throw new Error('the indexes of its message are none')
  const indexes = count === 0 ? [0] : Array.from({ length: count }, next)
  return { indexes, end: at }
}

/** A message of Apicurio's own, of one text, behind its length. The indexes of a message in the sixth of a file may begin so, too: they come first. */
function isNamed(bytes: Uint8Array, from: number): boolean {
  const [length = 0, tag, named = 0, first] = bytes.subarray(from, from + 4)
  return tag === 10 && named > 0 && length === named + 2 && /[A-Za-z_]/.test(String.fromCharCode(first ?? 0))
}

function indexedMessage(file: DescFile, indexes: readonly number[]): DescMessage | undefined {
  let messages: readonly DescMessage[] = file.messages
  let found: DescMessage | undefined
  for (const index of indexes) {
    found = messages[index]
    messages = found?.nestedMessages ?? []
  }
  return found
}

function varint(value: number): readonly number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(Math.floor(value / 128))]
}
