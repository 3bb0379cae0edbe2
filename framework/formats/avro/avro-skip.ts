/** Reads over values that nobody wants. */
import type { AvroBytes } from './avro-bytes.ts'
import { mayBeEmpty } from './avro-empty.ts'
import type { AvroRecord, AvroType } from './avro-schema.ts'

export type Skip = (bytes: AvroBytes) => void

/** @param above the records that this is a part of: they may contain themselves */
export function skipperOf(type: AvroType, above: Map<AvroRecord, { skip: Skip }> = new Map()): Skip {
  switch (type.kind) {
    case 'null':
      return () => {}
    case 'boolean':
      return (bytes) => {
        bytes.boolean()
      }
    case 'int':
    case 'long':
    case 'enum':
      return (bytes) => {
        bytes.longAsNumber()
      }
    case 'float':
      return (bytes) => bytes.skip(4)
    case 'double':
      return (bytes) => bytes.skip(8)
    case 'fixed': {
      const { size } = type
      return (bytes) => bytes.skip(size)
    }
    case 'string':
    case 'bytes':
      return (bytes) => bytes.skipBytes()
    case 'array':
      return blocks(skipperOf(type.items, above), mayBeEmpty(type.items))
    case 'map': {
      const skip = skipperOf(type.values, above)
      return blocks((bytes) => {
        bytes.skipBytes()
        skip(bytes)
      }, false)
    }
    case 'union': {
      const skips = type.branches.map((branch) => skipperOf(branch, above))
      return (bytes) => skips[bytes.index(skips.length)]?.(bytes)
    }
    case 'record':
      return recordSkipper(type, above)
  }
}

function recordSkipper(type: AvroRecord, above: Map<AvroRecord, { skip: Skip }>): Skip {
  const known = above.get(type)
  if (known !== undefined) return (bytes) => known.skip(bytes)
  const own: { skip: Skip } = { skip: () => {} }
  above.set(type, own)
  const skips = type.fields.map((field) => skipperOf(field.type, above))
  own.skip = (bytes) => {
    for (const skip of skips) skip(bytes)
  }
  return own.skip
}

function blocks(skip: Skip, isEmpty: boolean): Skip {
  return (bytes) => {
    for (let left = bytes.block(isEmpty); left > 0; left = bytes.block(isEmpty)) {
      for (; left > 0; left -= 1) skip(bytes)
    }
  }
}
