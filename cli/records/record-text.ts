/** Words for records and failures on a terminal: short, one line, and harmless whatever bytes they are made of. */

import { cutText, harmless, keyLine } from '../../framework/model/plain-text.ts'
import type { HandlerFailure } from '../../framework/model/work.ts'
import { projectPlace } from '../project/project.ts'

const MAX_KEY = 24
const MAX_MESSAGE = 100

export function keyText(key: Buffer | null): string {
  if (key === null) return '-'
  if (key.length === 0) return "''"
  return cutText(harmless(keyLine(key, MAX_KEY * 4)), MAX_KEY)
}

/** Errors whose class says nothing that their message does not say. */
const plainNames = ['Error', 'DeadLetter', 'RetryAfter']

/** `TypeError: x is not a function`, or only the message where the kind of error says nothing. */
export function failureText({ name, message, reason }: HandlerFailure): string {
  const [first = ''] = message.split('\n')
  const isPlain = plainNames.includes(name) || reason === 'undecodable' || reason === 'invalid'
  const text = isPlain ? first : `${name}: ${first}`
  return cutText(harmless(text), MAX_MESSAGE)
}

/** `handlers/charge-order.ts:14:42`: where the user's own code threw, or nothing when the stack does not tell. */
export function failurePlace(root: string, { stack }: HandlerFailure): string | undefined {
  for (const line of (stack ?? '').split('\n')) {
    const place = projectPlace(root, line)
    if (place?.startsWith('handlers/')) return place
  }
  return undefined
}

/** `12:00:01`, local time. */
export function timeText(now: number): string {
  return new Date(now).toTimeString().slice(0, 8)
}

export function msText(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`
  if (ms < 10_000) return `${Math.round(ms)} ms`
  if (ms < 120_000) return `${(ms / 1_000).toFixed(1)} s`
  return ms < 7_200_000 ? `${(ms / 60_000).toFixed(1)} min` : `${(ms / 3_600_000).toFixed(1)} h`
}
