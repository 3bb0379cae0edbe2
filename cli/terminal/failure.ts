/** Shows an error as one block: its code, what happened, what to do next. Never a stack, unless DEBUG is set. */
import { type ErrorCode, PyrallelError, toError } from '../../framework/model/errors.ts'
import { harmless, harmlessLines } from '../../framework/model/plain-text.ts'
import { jsonText } from './json-text.ts'
import type { Paint } from './paint.ts'

export const exitCodes = { fine: 0, failed: 1, usage: 2, drift: 3 } as const

/** What to do next where the message, written by the framework, cannot know that a command is running. */
const nextSteps: Partial<Record<ErrorCode, string>> = {
  PYR_GENERATED_STALE: 'Run `pyrallel generate` and commit generated/.',
  PYR_BUG: 'Please report it with the command and what it printed (DEBUG=1 adds the stack).',
}

/** What went wrong, one by one: first what ended the run, then what could not be closed behind it. */
export function failuresOf(thrown: unknown): readonly [unknown, ...unknown[]] {
  if (!(thrown instanceof AggregateError)) return [thrown]
  const [first, ...others] = thrown.errors.flatMap(failuresOf)
  return first === undefined ? [thrown] : [first, ...others]
}

/** The code under which an error is shown, of several that of the first; an error that is not Pyrallel's has none. */
export function errorCode(thrown: unknown): ErrorCode | undefined {
  const [first] = failuresOf(thrown)
  return first instanceof PyrallelError ? first.code : undefined
}

export function exitCodeOf(thrown: unknown): number {
  switch (errorCode(thrown)) {
    case 'PYR_USAGE':
      return exitCodes.usage
    case 'PYR_GENERATED_STALE':
    case 'PYR_OFFSETS':
      return exitCodes.drift
    default:
      return exitCodes.failed
  }
}

/** A block for each failure. */
export function errorBlock(thrown: unknown, paint: Paint, withStack: boolean): string {
  return failuresOf(thrown)
    .map((failure) => blockOf(failure, paint, withStack))
    .join('')
}

function blockOf(thrown: unknown, paint: Paint, withStack: boolean): string {
  const error = toError(thrown)
  const code = errorCode(thrown)
  const lines = [
    `${paint('red', '✗')} ${paint('bold', code ?? harmless(error.name))}`,
    `  ${harmlessLines(error.message, '  ')}`,
  ]
  const next = nextStep(code)
  if (next !== undefined) lines.push(`  ${paint('bold', 'Next:')} ${next}`)
  if (withStack) lines.push('', paint('gray', harmlessLines(stackWithCauses(error), '')))
  return `${lines.join('\n')}\n`
}

/** `undefined` for a command line that is not understood: its message says what to write, and there is nothing to look up. */
function nextStep(code: ErrorCode | undefined): string | undefined {
  if (code === undefined) return 'Run it again with DEBUG=1 to see where it comes from.'
  return nextSteps[code] ?? (code === 'PYR_USAGE' ? undefined : `pyrallel docs ${code}`)
}

export function errorJson(thrown: unknown): string {
  const [error, ...others] = failuresOf(thrown).map((failure) => ({
    code: errorCode(failure) ?? null,
    message: toError(failure).message,
  }))
  return `${jsonText(others.length === 0 ? { error } : { error, others })}\n`
}

function stackWithCauses(error: Error): string {
  const stacks: string[] = []
  for (let each: unknown = error; each instanceof Error && stacks.length < 5; each = each.cause) {
    stacks.push(`${stacks.length === 0 ? '' : 'caused by '}${each.stack ?? each.message}`)
  }
  return stacks.join('\n')
}
