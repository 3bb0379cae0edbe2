/** Makes the value of a field that was not written from the default in the schema. */
import { dateText, decimalText, exactMillis, uuidText } from './avro-logical.ts'
import { type AvroRecord, type AvroType, type AvroUnion, branchName, type Logical } from './avro-schema.ts'
import { isWrapped } from './avro-union.ts'

/**
 * @param json as the schema has it; whole numbers that a `number` cannot hold are bigints in it
 * @returns makes a new value each time, which a handler may change
 * @throws Error where the default is none of the type
 */
export function fallbackOf(type: AvroType, json: unknown): () => unknown {
  const first = made(type, json)
  return typeof first === 'object' && first !== null ? () => made(type, json) : () => first
}

function made(type: AvroType, json: unknown): unknown {
  switch (type.kind) {
    case 'null':
      return json === null ? null : wrong(type)
    case 'boolean':
      return typeof json === 'boolean' ? json : wrong(type)
    case 'int':
      return typeof json === 'number' && (json | 0) === json ? intOf(type.logical, json) : wrong(type)
    case 'long':
      return isLong(json) ? longOf(type.logical, BigInt(json)) : wrong(type)
    case 'float':
    case 'double':
      return typeof json === 'number' || typeof json === 'bigint' ? Number(json) : wrong(type)
    case 'string':
      return typeof json === 'string' ? json : wrong(type)
    case 'enum':
      return typeof json === 'string' && type.symbols.includes(json) ? json : wrong(type)
    case 'bytes':
    case 'fixed':
      return typeof json === 'string' ? bytesOf(type.logical, json) : wrong(type)
    case 'array':
      return Array.isArray(json) ? json.map((each) => made(type.items, each)) : wrong(type)
    case 'map':
      return isObject(json)
        ? Object.fromEntries(Object.entries(json).map(([key, each]) => [key, made(type.values, each)]))
        : wrong(type)
    case 'record':
      return isObject(json) ? recordOf(type, json) : wrong(type)
    case 'union':
      return ofUnion(type, json)
  }
}

function intOf(logical: Logical | undefined, json: number): unknown {
  return logical?.name === 'date' ? dateText(json) : json
}

function isLong(json: unknown): json is number | bigint {
  return typeof json === 'bigint' ? BigInt.asIntN(64, json) === json : Number.isSafeInteger(json)
}

function longOf(logical: Logical | undefined, json: bigint): unknown {
  const isMillis = logical?.name === 'timestamp-millis' || logical?.name === 'local-timestamp-millis'
  return isMillis ? exactMillis(Number(json)) : json
}

/** One character for each byte. */
function bytesOf(logical: Logical | undefined, json: string): unknown {
  const bytes = new Uint8Array(Buffer.from(json, 'latin1'))
  if (logical?.name === 'decimal') return decimalText(bytes, logical)
  return logical?.name === 'uuid' ? uuidText(bytes) : bytes
}

function recordOf(type: AvroRecord, json: Readonly<Record<string, unknown>>): unknown {
  const entries = type.fields.map((field): [string, unknown] => {
    const own = Object.hasOwn(json, field.name) ? json[field.name] : field.default
    if (own === undefined) throw new Error(`a default of ${type.name} has no ${field.name}`)
    return [field.name, made(field.type, own)]
  })
  return Object.fromEntries(entries)
}

/** The default of a union is one of its first branch; newer schemas allow any. */
function ofUnion({ branches }: AvroUnion, json: unknown): unknown {
  for (const branch of branches) {
    try {
      const value = made(branch, json)
      return isWrapped(branches) && branch.kind !== 'null' ? { [branchName(branch)]: value } : value
    } catch {
      // Another branch may take it.
    }
  }
  throw new Error('a default of a union is one of none of its types')
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function wrong(type: AvroType): never {
  throw new Error(`a default is no ${branchName(type)}`)
}
