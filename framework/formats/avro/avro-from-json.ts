/** Turns JSON that a person has written into the value that a handler would have, by the schema. Checks only what it must turn: the writer checks the rest. */
import type { AvroRecord, AvroType, AvroUnion } from './avro-schema.ts'
import { branchName } from './avro-schema.ts'
import { isWrapped, type Shape, typeShape } from './avro-union.ts'
import { AvroRefusal } from './avro-writer.ts'

const wholeForm = /^-?\d+$/
const base64Form = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
/** What JSON has no numbers for. */
const unwritable: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
}

/**
 * A `bigint` is a whole number, or a text of one; bytes are a text in base64; `NaN` and the infinities are texts.
 * @param json whole numbers that a `number` cannot hold are bigints in it
 * @throws AvroRefusal for what cannot be turned, and for a field that the record does not have: it would be lost without a word
 */
export function avroFromJson(type: AvroType, json: unknown): unknown {
  switch (type.kind) {
    case 'record':
      return isObject(json) ? recordFrom(type, json) : json
    case 'array':
      return Array.isArray(json)
        ? json.map((each, index) => within(`[${index}]`, () => avroFromJson(type.items, each)))
        : json
    case 'map':
      return isObject(json) ? mapFrom(type.values, json) : json
    case 'union':
      return unionFrom(type, json)
    default:
      return plainFrom(type, json)
  }
}

function recordFrom(type: AvroRecord, json: Readonly<Record<string, unknown>>): unknown {
  const types = new Map(type.fields.map((field) => [field.name, field.type]))
  const entries = Object.entries(json).map(([name, each]) => {
    const wanted = types.get(name)
    if (wanted === undefined) throw new AvroRefusal(`has a field ${JSON.stringify(name)}, which ${type.name} has not`)
    return [name, within(name, () => avroFromJson(wanted, each))] as const
  })
  return Object.fromEntries(entries)
}

function mapFrom(values: AvroType, json: Readonly<Record<string, unknown>>): unknown {
  const entries = Object.entries(json)
  return Object.fromEntries(entries.map(([key, each]) => [key, within('(an entry)', () => avroFromJson(values, each))]))
}

function unionFrom({ branches }: AvroUnion, json: unknown): unknown {
  if (json === null) return null
  if (!isWrapped(branches)) {
    const branch = branchFor(branches, json)
    return branch === undefined ? json : avroFromJson(branch, json)
  }
  const [entry, ...others] = isObject(json) ? Object.entries(json) : []
  const branch = branches.find((each) => branchName(each) === entry?.[0])
  if (entry === undefined || others.length > 0 || branch === undefined) return json
  return { [entry[0]]: within(entry[0], () => avroFromJson(branch, entry[1])) }
}

/** Of branches that `typeof` tells apart: the first that what is written may stand for. */
function branchFor(branches: readonly AvroType[], json: unknown): AvroType | undefined {
  const byShape = new Map<Shape | undefined, AvroType>(branches.map((branch) => [typeShape(branch), branch]))
  const found = shapesFor(json, byShape.get('number')).find((shape) => byShape.has(shape))
  return byShape.get(found)
}

function shapesFor(json: unknown, numbers: AvroType | undefined): readonly Shape[] {
  switch (typeof json) {
    case 'boolean':
      return ['boolean']
    case 'bigint':
      return ['bigint', 'number']
    case 'string':
      return ['string', 'bigint', 'object', 'number']
    case 'number':
      // Beside a long, an int has what fits into 32 bits.
      return numbers?.kind === 'int' && (json | 0) !== json ? ['bigint', 'number'] : ['number', 'bigint']
    default:
      return ['object']
  }
}

function plainFrom(type: AvroType, json: unknown): unknown {
  switch (typeShape(type)) {
    case 'bigint':
      return wholeFrom(json)
    case 'object':
      return bytesFrom(json)
    case 'number':
      return numberFrom(json)
    default:
      return json
  }
}

function wholeFrom(json: unknown): bigint {
  if (typeof json === 'bigint') return inRange(json)
  if (Number.isSafeInteger(json)) return BigInt(json as number)
  if (typeof json === 'string' && wholeForm.test(json)) return inRange(BigInt(json))
  throw new AvroRefusal('is no whole number, written as 12 or "12"')
}

function inRange(value: bigint): bigint {
  if (BigInt.asIntN(64, value) !== value) throw new AvroRefusal('is no whole number of 64 bits')
  return value
}

function bytesFrom(json: unknown): Uint8Array {
  if (typeof json !== 'string' || !base64Form.test(json)) throw new AvroRefusal('is no text in base64, for bytes')
  return new Uint8Array(Buffer.from(json, 'base64'))
}

function numberFrom(json: unknown): unknown {
  if (typeof json === 'bigint') return Number(json)
  return typeof json === 'string' && Object.hasOwn(unwritable, json) ? unwritable[json] : json
}

function within<T>(step: string, turn: () => T): T {
  try {
    return turn()
  } catch (thrown) {
    if (thrown instanceof AvroRefusal) thrown.path.push(step)
    throw thrown
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
