/** What the principal of an app must be allowed, and no more: as a list, and as a script that grants it. Pure. */
import { harmless } from '../../framework/model/plain-text.ts'
import { isTopicName, patternOf, prefixOf } from '../../framework/model/topic-pattern.ts'
import type { AppFacts } from './app-facts.ts'

export interface Right {
  readonly operation: 'Read' | 'Write'
  readonly on: 'topic' | 'group' | 'transactional-id'
  readonly name: string
  /** On all that begin with `name`; with an empty one, on all that there are. Left out: on the one of that name. */
  readonly isPrefix?: true
  /** `read by charge-order` */
  readonly why: string
}

/** By resource, each right once; sorted. `Read` and `Write` bring `Describe` with them, and no right on the cluster is needed. */
export function rightsOf({ handlers, exactlyOnce }: Pick<AppFacts, 'handlers' | 'exactlyOnce'>): readonly Right[] {
  const rights = new Map<string, { readonly right: Omit<Right, 'why'>; readonly whys: string[] }>()
  const need = (operation: Right['operation'], on: Right['on'], name: string, why: string, isPrefix = false) => {
    const key = `${on} ${name} ${operation} ${isPrefix}`
    const known = rights.get(key)
    const right = { operation, on, name, ...(isPrefix ? { isPrefix } : {}) }
    if (known === undefined) rights.set(key, { right, whys: [why] })
    else if (!known.whys.includes(why)) known.whys.push(why)
  }
  for (const { id, topic, group, deadLetterTopic, publishes } of handlers) {
    const pattern = patternOf(topic)
    const prefix = pattern === undefined ? undefined : prefixOf(pattern)
    if (prefix === undefined) need('Read', 'topic', topic, `read by ${id}`)
    else need('Read', 'topic', prefix, `what ${topic} matches is read by ${id}`, true)
    need('Read', 'group', group, `the group of ${id}`)
    if (exactlyOnce) need('Write', 'transactional-id', `pyrallel.${group}.`, `transactions of the group of ${id}`, true)
    if (typeof deadLetterTopic === 'string') {
      const why = `dead letters of ${id}`
      if (prefix !== undefined && !isTopicName(deadLetterTopic)) need('Write', 'topic', prefix, why, true)
      else need('Write', 'topic', deadLetterTopic, why)
    }
    for (const published of publishes) need('Write', 'topic', published, `published by ${id}`)
  }
  return [...rights]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { right, whys }]) => ({ ...right, why: whys.join(', ') }))
}

export function rightsScript(facts: AppFacts): string {
  const unknown = facts.handlers.filter(({ deadLetterTopic }) => deadLetterTopic === null).map(({ id }) => id)
  const lines = rightsOf(facts).map(
    ({ operation, on, name, isPrefix, why }) =>
      `# ${harmless(why)}\ngrant --operation ${operation} --${on} ${resourceOf(name, isPrefix)}`,
  )
  return `#!/bin/sh
# Made by \`pyrallel build\`: what the principal of ${facts.name} must be allowed, and nothing else. Read and Write bring Describe with them.
# What handlers publish to is read from their code: a topic whose name is computed is not in here.
${unknown.map((id) => `# The dead-letter topic of ${harmless(id)} is computed, too: it needs Write.\n`).join('')}# Usage: BROKER=host:9092 PRINCIPAL=User:${facts.name} sh rights.sh --command-config admin.properties
set -eu
: "\${BROKER:?host:port of a broker}" "\${PRINCIPAL:?User:name, as the broker knows the app}"

admin="$*"
grant() {
  kafka-acls.sh --bootstrap-server "$BROKER" $admin --add --allow-principal "$PRINCIPAL" "$@"
}

${lines.join('\n\n')}
`
}

function resourceOf(name: string, isPrefix: true | undefined): string {
  if (isPrefix === undefined) return quoted(name)
  return name === '' ? quoted('*') : `${quoted(name)} --resource-pattern-type prefixed`
}

/** As one word of a shell. */
function quoted(text: string): string {
  return `'${harmless(text).replaceAll("'", `'\\''`)}'`
}
