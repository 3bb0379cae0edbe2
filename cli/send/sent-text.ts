/** Says what `pyrallel send` has produced, for people or as JSON. Pure but for asking whether there is colour. */

import type { RecordPlace } from '../../framework/kafka/kafka-client.ts'
import { recordPlace } from '../../framework/model/record.ts'
import type { Target } from '../cluster/target.ts'
import { keyText } from '../records/record-text.ts'
import { hasColor, type Io } from '../terminal/io.ts'
import { jsonText } from '../terminal/json-text.ts'
import { painter } from '../terminal/paint.ts'
import type { Sent } from './send-all.ts'

export interface SentFacts extends Sent {
  readonly topic: string
  readonly broker: string
  readonly from: Target['from']
}

export function sentText(
  facts: SentFacts,
  { json }: { readonly json?: boolean },
  io: Pick<Io, 'stdout' | 'env'>,
): string {
  const { topic, broker, from, places, keys, tookMs } = facts
  const count = places.length
  if (json === true) {
    const records = places.map((place, index) => ({ ...place, key: keys[index] ?? null }))
    return `${jsonText({ topic, count, broker, from, tookMs, records })}\n`
  }
  const paint = painter(hasColor(io.stdout, io.env))
  const [first] = places
  const where = count === 1 && first !== undefined ? recordPlace({ topic, ...first }) : topic
  const what = [
    ...(count === 1 ? [] : [`${count} records`]),
    keysText(keys),
    `acknowledged by ${broker} (${from}) in ${tookMs} ms`,
  ]
  const line = `${paint('green', '✓')} ${where}  ${what.join(', ')}\n`
  return count === 1 ? line : `${line}  ${spans(topic, places).join(' ')}\n`
}

function keysText(keys: readonly (string | null)[]): string {
  const different = new Set(keys)
  const [first] = different
  if (different.size > 1) return `${different.size} keys`
  return first === null || first === undefined ? 'without a key' : `key ${keyText(Buffer.from(first))}`
}

/** `orders[0]@5..7`: from the first to the last in each partition. Others may have written between. */
function spans(topic: string, places: readonly RecordPlace[]): readonly string[] {
  const partitions = [...new Set(places.map(({ partition }) => partition))].sort((a, b) => a - b)
  return partitions.map((partition) => {
    const offsets = places.filter((place) => place.partition === partition).map(({ offset }) => offset)
    // Not Math.min: it takes no more arguments than the stack has room for.
    const first = offsets.reduce((least, offset) => Math.min(least, offset), Number.POSITIVE_INFINITY)
    const last = offsets.reduce((most, offset) => Math.max(most, offset), 0)
    return `${recordPlace({ topic, partition, offset: first })}${last === first ? '' : `..${last}`}`
  })
}
