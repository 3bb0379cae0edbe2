/** What `pyrallel dev` prints before the first record: versions, broker, handlers, and what to do next. */

import { plural } from '../../../framework/model/plural.ts'
import type { ResolvedHandler } from '../../../framework/runtime/runtime.ts'
import { msText } from '../../records/record-text.ts'
import type { Paint } from '../../terminal/paint.ts'
import type { DevBroker } from '../broker/open-broker.ts'

export interface HeaderFacts {
  readonly version: string
  readonly nodeVersion: string
  readonly broker: DevBroker
  readonly handlers: readonly ResolvedHandler[]
  readonly generatedMs: number
  /** The traffic file, when there is one. */
  readonly traffic: string | undefined
  /** Whether saves are noticed. */
  readonly isWatching: boolean
  /** The address of the session's own schema registry; undefined: there is none. */
  readonly registry: string | undefined
  /** The address of the one that the config names, or the command; undefined: none is named. */
  readonly namedRegistry: string | undefined
  /** The address of the console; undefined: there is none. */
  readonly console: string | undefined
}

export function headerText(facts: HeaderFacts, paint: Paint): string {
  const { version, nodeVersion, broker, handlers } = facts
  const lines = [
    '',
    `  ${paint('bold', `pyrallel ${version}`)}  dev  node ${nodeVersion}  broker ${brokerText(broker)}`,
  ]
  if (broker.fallback !== undefined) {
    lines.push(
      `  ${paint('yellow', '! No embedded broker, so this runs on the in-memory one: other processes (`pyrallel send`, kcat) cannot reach it.')}`,
      `    ${broker.fallback}`,
    )
  }
  if (broker.created.length > 0) lines.push(`  created topics that were missing: ${broker.created.join(', ')}`)
  lines.push('', ...handlerLines(handlers, paint), '')
  lines.push(`  generated/ checked in ${msText(facts.generatedMs)}`)
  if (facts.traffic !== undefined) lines.push(`  traffic from ${facts.traffic}`)
  else if (broker.kind !== 'memory') {
    lines.push(
      `  send a record from another terminal: npx pyrallel send ${handlers[0]?.route.topic ?? '<topic>'} '{...}' --key k`,
    )
  }
  if (facts.registry !== undefined) {
    lines.push(`  schema registry ${facts.registry}, of this session: it keeps nothing, and checks no compatibility`)
  } else if (facts.namedRegistry !== undefined) lines.push(`  schema registry ${facts.namedRegistry}`)
  if (facts.console !== undefined) lines.push(`  console ${facts.console}`)
  if (facts.isWatching)
    lines.push('  a save runs at once; in a terminal: [s] send  [p] pause  [o] console  [?] what waits  [q] quit')
  lines.push('  Ctrl-C finishes what is in flight and stops; twice stops at once', '')
  return `${lines.join('\n')}\n`
}

function brokerText({ kind, address }: DevBroker): string {
  switch (kind) {
    case 'embedded':
      return `${address} (embedded)`
    case 'memory':
      return 'in memory'
    case 'cluster':
      return address
  }
}

function handlerLines(handlers: readonly ResolvedHandler[], paint: Paint): readonly string[] {
  const id = Math.max(...handlers.map(({ route }) => route.handlerId.length))
  const topic = Math.max(...handlers.map(({ route }) => route.topic.length))
  return handlers.map(({ route, group }) => {
    const order = route.ordering === 'unordered' ? 'unordered' : `by ${route.ordering}`
    const facts = [`group ${group}`, order, `${route.concurrency} at once`, plural(route.retry.attempts, 'attempt')]
    const dead = route.deadLetterTopic === null ? 'drops what fails' : `dead letters ${route.deadLetterTopic}`
    return `  ${paint('cyan', route.handlerId.padEnd(id))}  ${route.topic.padEnd(topic)}  ${[...facts, dead].join(', ')}`
  })
}
