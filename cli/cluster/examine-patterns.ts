/** What `pyrallel doctor` says of handlers that have a pattern in place of a topic. Changes nothing. */
import { sharedTopics } from '../../framework/runtime/found-topics.ts'
import type { ResolvedHandler } from '../../framework/runtime/runtime.ts'
import type { Finding } from './diagnose.ts'
import { planPatterns } from './wanted-topics.ts'

const SHOWN = 5

/**
 * One finding for each pattern, and one for each topic that several of a group match.
 * @param handlers with those of the topics that were found
 */
export function examinePatterns(handlers: readonly ResolvedHandler[], names: readonly string[]): readonly Finding[] {
  const patterns = planPatterns(handlers).map(({ handler, pattern, topics }): Finding => {
    const what = `pattern of ${handler}`
    if (topics.length > 0) {
      const more = topics.length > SHOWN ? `, and ${topics.length - SHOWN} more` : ''
      const found = `${topics.slice(0, SHOWN).join(', ')}${more}`
      return { what, state: 'well', detail: `${pattern} matches ${found}; each process looks for others every 2 s` }
    }
    return {
      what,
      state: 'warning',
      detail: `of the topics that this user is shown, ${pattern} matches none that no other handler reads`,
      next: 'Nothing, if topics come later. Else correct the pattern, or allow the user to describe the topics.',
    }
  })
  const shared = sharedTopics(handlers, names).map(({ topic, handlerIds }): Finding => {
    const [first, ...others] = handlerIds
    return {
      what: `topic ${topic}`,
      state: 'warning',
      detail: `matched by the patterns of ${handlerIds.join(' and ')}, and only ${first} reads it`,
      next: `Make the patterns apart, or give ${others.join(' and ')} a group of its own.`,
    }
  })
  return [...patterns, ...shared]
}
