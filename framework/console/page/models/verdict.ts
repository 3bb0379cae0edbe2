/** The verdict in plain words: what is true, the facts, and what to do now. */
import { recordPlace } from '../../../model/record.ts'
import type { Verdict } from '../../protocol.ts'
import { plural, rate, span } from './numbers.ts'

export interface VerdictText {
  /** `good`: nothing to do. `busy`: it will pass. `bad`: somebody should look. */
  readonly tone: 'good' | 'busy' | 'bad'
  readonly headline: string
  readonly facts: readonly string[]
  readonly next: string
}

export function verdictText(verdict: Verdict, now: number): VerdictText {
  const { kind, group, place, key, handlerIds, sinceAt, secondsLeft } = verdict
  const since = sinceAt === null ? [] : [`for ${span(Math.max(0, Math.floor((now - sinceAt) / 1000) * 1000))}`]
  const ofGroup = group === null ? [] : [`group ${group}`]
  const flow = flowFacts(verdict)
  switch (kind) {
    case 'healthy':
      return { tone: 'good', headline: 'Healthy', facts: flow, next: '' }
    case 'catching-up': {
      const left =
        secondsLeft === null ? 'the backlog does not shrink' : `about ${span(Math.ceil(secondsLeft) * 1000)} left`
      const next = secondsLeft === null ? 'More records arrive than are done: see what the handlers wait for.' : ''
      return { tone: 'busy', headline: 'Catching up', facts: [...flow, left], next }
    }
    case 'blocked':
      return {
        tone: 'bad',
        headline: place === null ? 'Blocked' : `Blocked by ${recordPlace(place)}`,
        facts: [...(key === null ? [] : [`key ${key}`]), ...since, ...flow],
        next: 'Open it: it says what it waits for. Later records of its key run after it.',
      }
    case 'paused':
      return {
        tone: 'busy',
        headline: `Paused by hand: ${handlerIds.join(', ')}`,
        facts: [...since, ...flow],
        next: 'Nothing of it starts until somebody resumes it.',
      }
    case 'rebalancing':
      return {
        tone: 'busy',
        headline: 'Rebalancing',
        facts: [...ofGroup, ...since],
        next: 'Partitions move between the members; it passes by itself.',
      }
    case 'cut-off':
      return {
        tone: 'bad',
        headline: 'Cut off from the brokers',
        facts: [...ofGroup, ...since],
        next: 'Nothing starts until a broker answers again: the group may have given the partitions to others.',
      }
    case 'fenced':
      return {
        tone: 'bad',
        headline: 'Fenced by another member',
        facts: [...ofGroup, ...since],
        next: 'Another process has taken the place of this member. See whether two have the same static name.',
      }
    case 'refused':
      return {
        tone: 'bad',
        headline: 'Refused: partitions stand',
        facts: [...ofGroup, ...since, ...flow],
        next: 'What they publish or commit is refused. Open it: it names them, and what the brokers have said.',
      }
    case 'outputs-full':
      return {
        tone: 'bad',
        headline: 'Nothing starts: too much waits to become visible',
        facts: [...ofGroup, ...since, ...flow],
        next: 'It has reached limits.maxBytes. Open it: it says what has become of the transactions.',
      }
    case 'transaction-open':
      return {
        tone: 'bad',
        headline: 'A transaction has been open for long',
        facts: [...ofGroup, ...since, ...flow],
        next: 'Readers of committed records wait behind it. Open it: it says what the brokers have answered.',
      }
    case 'starting':
      return { tone: 'busy', headline: 'Starting', facts: since, next: 'Nothing is assigned yet.' }
    case 'stopping':
      return { tone: 'busy', headline: 'Stopping', facts: [...since, ...flow], next: 'What runs is awaited.' }
    case 'failed':
      return {
        tone: 'bad',
        headline: 'Failed',
        facts: [...ofGroup, ...since],
        next: 'A consumer cannot go on, and nothing more is taken in. The log says why.',
      }
  }
}

function flowFacts({ backlog, rate: done }: Verdict): readonly string[] {
  const behind = backlog === null ? [] : [backlog === 0 ? 'nothing waits' : `${plural(backlog, 'record')} not done`]
  return [...behind, ...(done === null ? [] : [`${rate(done)} done`])]
}
