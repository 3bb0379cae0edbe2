/** What the part of the address behind `#` means. A link to dead letters is `#/dead-letters?topic=orders.dlq`. */

export const viewNames = ['overview', 'dead-letters', 'topology', 'threads'] as const
export type ViewName = (typeof viewNames)[number]

export interface Place {
  readonly view: ViewName
  readonly query: Readonly<Record<string, string>>
}

/** An address that nobody knows is the overview. */
export function parsePlace(hash: string): Place {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?', 2)
  return {
    view: viewNames.find((name) => name === path) ?? 'overview',
    query: Object.fromEntries(new URLSearchParams(search)),
  }
}

export function placeHash({ view, query }: Place): string {
  const search = new URLSearchParams(query).toString()
  return `#/${view === 'overview' ? '' : view}${search === '' ? '' : `?${search}`}`
}

export function lettersHash(topic: string, more: Readonly<Record<string, string>> = {}): string {
  return placeHash({ view: 'dead-letters', query: { topic, ...more } })
}

/** The token that a fragment is, as `pyrallel dev` prints it: `#` and the token. Places begin with `#/`. */
export function tokenIn(hash: string): string | undefined {
  return /^#([A-Za-z0-9._~+=-][A-Za-z0-9._~+/=-]*)$/.exec(hash)?.[1]
}
