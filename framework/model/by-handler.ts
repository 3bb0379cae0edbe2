/** Puts together what belongs to one handler: it has a route for each topic that it reads. Pure. */

/** In the order of the handlers' first routes. */
export function byHandler<T>(all: readonly T[], idOf: (each: T) => string): ReadonlyMap<string, readonly [T, ...T[]]> {
  const found = new Map<string, [T, ...T[]]>()
  for (const each of all) {
    const known = found.get(idOf(each))
    if (known === undefined) found.set(idOf(each), [each])
    else known.push(each)
  }
  return found
}

/** One name, or several with commas between: no topic's name has one. */
export function topicsText(routes: readonly { readonly topic: string }[]): string {
  return routes.map(({ topic }) => topic).join(',')
}

/** @param topics as `topicsText` gives them */
export function hasTopic(topics: string, topic: string): boolean {
  return topics.split(',').includes(topic)
}
