/** Where a value goes wrong, told by the names of its schema only: others are the payload's, an e-mail address or half a megabyte. Pure. */
import type { TSchema } from 'typebox'

const OF_THE_PAYLOAD = '*'
/** Per schema: a value may go wrong at every record. */
const known = new WeakMap<object, ReadonlySet<string>>()

/** `/lines/3/sku`, or `/totals/*` where what stands there is a name that the schema does not have. `the value` for its root. */
export function namedPath(schema: TSchema, value: unknown, instancePath: string): string {
  if (instancePath === '') return 'the value'
  const names = namesOf(schema)
  let at: unknown = value
  const parts = instancePath.slice(1).split('/')
  const shown = parts.map((escaped) => {
    const part = escaped.replaceAll('~1', '/').replaceAll('~0', '~')
    const isIndex = Array.isArray(at)
    at = typeof at === 'object' && at !== null ? Reflect.get(at, part) : undefined
    return isIndex || names.has(part) ? escaped : OF_THE_PAYLOAD
  })
  return `/${shown.join('/')}`
}

function namesOf(schema: TSchema): ReadonlySet<string> {
  const found = known.get(schema) ?? collected(schema)
  known.set(schema, found)
  return found
}

function collected(schema: TSchema): ReadonlySet<string> {
  const names = new Set<string>()
  const seen = new Set<object>()
  const waiting: unknown[] = [schema]
  for (const each of waiting) {
    if (typeof each !== 'object' || each === null || seen.has(each)) continue
    seen.add(each)
    const properties: unknown = Reflect.get(each, 'properties')
    if (typeof properties === 'object' && properties !== null)
      for (const name of Object.keys(properties)) names.add(name)
    waiting.push(...Object.values(each))
  }
  return names
}
