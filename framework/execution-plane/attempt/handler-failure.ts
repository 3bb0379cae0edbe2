/** Turns whatever a handler threw into plain data. Total: no thrown value, however odd, makes it throw. */
import { DeadLetter, RetryAfter } from '../../api/handler.ts'
import { durationMs } from '../../model/duration.ts'
import { toError } from '../../model/errors.ts'
import { cutText, MAX_MESSAGE, MAX_STACK } from '../../model/plain-text.ts'
import type { HandlerFailure } from '../../model/work.ts'

/** Longer ones are no names. Characters. */
const MAX_NAME = 256
/** How many errors behind the thrown one (`cause`, `errors`) are told in its stack. */
const MAX_CAUSES = 4

export function failureOf(thrown: unknown): HandlerFailure {
  try {
    return describe(thrown)
  } catch {
    // A revoked proxy throws at whatever is asked of it, `instanceof` included.
    return { reason: 'handler', name: 'Error', message: 'thrown value that cannot be shown', retryable: true }
  }
}

function describe(thrown: unknown): HandlerFailure {
  if (typeof thrown !== 'object' || thrown === null) {
    return { reason: 'handler', name: 'Error', message: cutText(toError(thrown).message, MAX_MESSAGE), retryable: true }
  }
  const isDeadLetter = thrown instanceof DeadLetter || textOf(thrown, 'name') === 'DeadLetter'
  const stack = stackOf(thrown)
  return {
    reason: isDeadLetter ? 'dead-letter' : 'handler',
    name: nameOf(thrown),
    message: cutText(messageOf(thrown), MAX_MESSAGE),
    ...(stack === undefined ? {} : { stack: cutText(stack, MAX_STACK) }),
    retryable: !isDeadLetter,
    ...retryDelayOf(thrown),
  }
}

/** A handler's bundle may carry its own copy of these two classes, so the name counts as much as the identity. */
function retryDelayOf(thrown: object): { readonly retryAfterMs?: number } {
  if (!(thrown instanceof RetryAfter) && textOf(thrown, 'name') !== 'RetryAfter') return {}
  try {
    return { retryAfterMs: durationMs(Reflect.get(thrown, 'delay'), 'the delay of RetryAfter') }
  } catch {
    // Not a duration: the retry policy's own delay stands.
    return {}
  }
}

function nameOf(thrown: object): string {
  const name = textOf(thrown, 'name') ?? 'Error'
  if (name !== 'Error') return cutText(name, MAX_NAME)
  // `class CardRefused extends Error {}` inherits the name `Error`; what its author called it says more.
  const constructedBy: unknown = propertyOf(thrown, 'constructor')
  if (!(thrown instanceof Error) || typeof constructedBy !== 'function') return 'Error'
  return cutText(textOf(constructedBy, 'name') ?? 'Error', MAX_NAME)
}

function messageOf(thrown: object): string {
  // Node's error of a refused connection to a name with two addresses has an empty message and tells all in `code`.
  return textOf(thrown, 'message') ?? textOf(thrown, 'code') ?? (isErrorLike(thrown) ? 'no message' : shown(thrown))
}

function isErrorLike(thrown: object): boolean {
  return thrown instanceof Error || textOf(thrown, 'stack') !== undefined
}

function shown(thrown: object): string {
  return toError(thrown).message
}

/** The stack, and those of the errors behind it: `fetch failed` alone helps nobody. */
function stackOf(thrown: object): string | undefined {
  const told = new Set<object>()
  const behind = [thrown]
  const stacks: string[] = []
  for (const error of behind) {
    if (told.has(error) || told.size > MAX_CAUSES) continue
    told.add(error)
    const stack = ownStackOf(error) ?? (error === thrown ? undefined : cutText(messageOf(error), MAX_MESSAGE))
    if (stack !== undefined) stacks.push(error === thrown ? stack : `caused by ${stack}`)
    behind.push(...causesOf(error))
  }
  return stacks.length === 0 ? undefined : stacks.join('\n')
}

/** A long message, or name, stands at the head of its stack and would leave no room for what is looked for there: the places. */
function ownStackOf(error: object): string | undefined {
  const stack = textOf(error, 'stack')
  const places = stack?.indexOf('\n    at ') ?? -1
  return stack === undefined || places <= MAX_MESSAGE
    ? stack
    : cutText(stack.slice(0, places), MAX_MESSAGE) + stack.slice(places)
}

function causesOf(error: object): readonly object[] {
  const errors: unknown = propertyOf(error, 'errors')
  const causes: readonly unknown[] = [
    propertyOf(error, 'cause'),
    ...(Array.isArray(errors) ? errors.slice(0, MAX_CAUSES) : []),
  ]
  return causes.filter((cause) => typeof cause === 'object' && cause !== null)
}

/** A property, or nothing when its getter throws. */
function propertyOf(of: object, property: string): unknown {
  try {
    return Reflect.get(of, property)
  } catch {
    return undefined
  }
}

function textOf(of: object, property: string): string | undefined {
  const value = propertyOf(of, property)
  return typeof value === 'string' && value !== '' ? value : undefined
}
