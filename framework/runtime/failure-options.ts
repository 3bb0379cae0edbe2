/** The options for what happens when handlers fail. Part of the schemas in framework/config.ts; decides nothing. */
import { Type } from 'typebox'
import type { RetryOptions } from '../handler.ts'
import { withoutDefault } from './option-schema.ts'

/** What a handler may add to the retry policy. Functions, so not for the config: they are about one handler's errors. */
export const retryRules = {
  when: withoutDefault(
    Type.Refine(
      Type.Unsafe<NonNullable<RetryOptions['when']>>({
        doc: {
          what: 'Whether what the handler threw is worth another attempt. Without it: everything is.',
          range: 'a function of the error that returns true or false',
          worse: 'Too much said no to: short outages end in the dead-letter topic.',
        },
      }),
      isFunction,
    ),
  ),
  delay: withoutDefault(
    Type.Refine(
      Type.Unsafe<NonNullable<RetryOptions['delay']>>({
        doc: {
          what: 'The delay before the next attempt, in place of `backoff`, `min`, `max` and `jitter`.',
          range: 'a function of the attempt that failed and the error that returns a duration',
          worse: 'Without jitter of its own, records that failed together are tried again together.',
        },
      }),
      isFunction,
    ),
  ),
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}
