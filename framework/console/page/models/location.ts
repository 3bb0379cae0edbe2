/**
 * What the part of the address behind `#` means. A link to dead letters is `#/dead-letters?topic=orders.dlq`, one to a record `#/orders.created/2/19`,
 * one to a partition `#/p/shop/orders.created/2`.
 */
import type { Place as RecordAt } from '../../protocol.ts'

export const viewNames = [
  'overview',
  'partitions',
  'keys',
  'retries',
  'live',
  'history',
  'dead-letters',
  'topology',
  'group',
  'instances',
  'threads',
  'dev',
  'partition',
  'record',
] as const
export type ViewName = (typeof viewNames)[number]

/** Of `partition`: `group`, `topic`, `partition`. Of `record`: `topic`, `partition`, `offset`, and `group` where it is told. */
export interface Place {
  readonly view: ViewName
  readonly query: Readonly<Record<string, string>>
}

/** Views whose names stand in the address; those of the others are in its form. */
const inPath: readonly ViewName[] = viewNames.filter((name) => name !== 'partition' && name !== 'record')

/** An address that nobody knows is the overview. */
export function parsePlace(hash: string): Place {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?', 2)
  const query = Object.fromEntries(new URLSearchParams(search))
  const parts = path.split('/').map(decoded)
  const [first = '', second = '', third = '', fourth = ''] = parts
  if (parts.length === 4 && first === 'p' && isNumber(fourth)) {
    return { view: 'partition', query: { ...query, group: second, topic: third, partition: fourth } }
  }
  if (parts.length === 3 && isNumber(second) && isNumber(third)) {
    return { view: 'record', query: { ...query, topic: first, partition: second, offset: third } }
  }
  return { view: inPath.find((name) => name === path) ?? 'overview', query }
}

export function placeHash({ view, query }: Place): string {
  const [parts, rest] = partsOf(view, query)
  const search = new URLSearchParams(rest).toString()
  return `#/${parts.map(encodeURIComponent).join('/')}${search === '' ? '' : `?${search}`}`
}

export function partitionHash(of: { readonly group: string; readonly topic: string; readonly partition: number }) {
  const { group, topic, partition } = of
  return placeHash({ view: 'partition', query: { group, topic, partition: String(partition) } })
}

export function recordHash(group: string, { topic, partition, offset }: RecordAt): string {
  const query = { topic, partition: String(partition), offset: String(offset), group }
  return placeHash({ view: 'record', query })
}

function partsOf(view: ViewName, query: Place['query']): readonly [parts: readonly string[], rest: Place['query']] {
  if (view === 'partition') {
    const { group = '', topic = '', partition = '', ...rest } = query
    return [['p', group, topic, partition], rest]
  }
  if (view === 'record') {
    const { topic = '', partition = '', offset = '', ...rest } = query
    return [[topic, partition, offset], rest]
  }
  return [view === 'overview' ? [] : [view], query]
}

export function lettersHash(topic: string, more: Readonly<Record<string, string>> = {}): string {
  return placeHash({ view: 'dead-letters', query: { topic, ...more } })
}

/** The token that a fragment is, as `pyrallel dev` prints it: `#` and the token. Places begin with `#/`. */
export function tokenIn(hash: string): string | undefined {
  return /^#([A-Za-z0-9._~+=-][A-Za-z0-9._~+/=-]*)$/.exec(hash)?.[1]
}

function isNumber(text: string): boolean {
  return /^\d{1,16}$/.test(text)
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
