/** The options for what happens when handlers fail. Part of the schemas in framework/config/config.ts; decides nothing. */
import { Type } from 'typebox'
import type { RetryOptions } from '../api/options.ts'
import { duration, flag, integer, section, withoutDefault } from './option-schema.ts'

/** What a handler may add to the retry policy. Functions, so not for the config: they are about one handler's errors. */
export const retryRules = {
  when: withoutDefault(
    Type.Refine(
      Type.Unsafe<NonNullable<RetryOptions['when']>>({
        doc: {
          what: 'Whether what the handler threw is worth another attempt; false sends the record to the dead-letter topic at once. Without it: everything is. Not asked about `RetryAfter`, `DeadLetter`, time-outs and invalid values.',
          type: '(error: Error) => boolean',
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
          what: 'The delay before the next attempt, in place of `backoff`, `min`, `max` and `jitter`. `attempt` is the one that has just failed; the first is 1. Not asked about `RetryAfter` and time-outs.',
          type: '(attempt: number, error: Error) => Duration',
          range: 'a function of the attempt that failed and the error that returns a duration',
          worse: 'Without jitter of its own, records that failed together are tried again together.',
        },
      }),
      isFunction,
    ),
  ),
}

/** What keeps a failing, or failing-over, service from harm, and a bad key from standing in the way of others. All of it is off by default. */
export const guards = {
  rateLimit: withoutDefault(
    Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      doc: {
        what: 'Records that may start in a second, retries included, in this process. Without it: no limit.',
        range: 'a whole number from 1 to 1,000,000',
        worse:
          'Lower: lag grows once more arrives than that. With more processes, the service gets that many times more.',
      },
    }),
  ),
  adaptive: section({
    enabled: flag(false, {
      what: 'Finds the limit on attempts in flight by itself, between `min` and `concurrency`, from how long they take and whether more are waiting.',
      worse:
        'With handlers whose durations differ by nature, it may settle too low. About every 30 seconds it halves the limit for a moment, to measure how fast the service is when it is idle.',
    }),
    min: integer(1, 10_000, 1, {
      what: 'The limit never goes below.',
      worse: 'Higher: a service that is in trouble is still called so often at once.',
    }),
    interval: duration(100, 60_000, '1s', {
      what: 'The shortest time between two changes of the limit.',
      worse: 'Shorter: chance moves it. Longer: it takes longer to find its place.',
    }),
  }),
  poison: section({
    threshold: integer(0, 1_000, 0, {
      what: 'After so many records of one key were given up in a row, the next ones go to the dead-letter topic without running. 0: never.',
      worse: 'Lower: good records of a key that had bad luck end in the dead-letter topic.',
    }),
    cooldown: duration(1, 86_400_000, '30s', {
      what: 'For so long the records of the key do not run. Then the next one does: if it succeeds, the breaker closes; if it is given up, it opens again.',
      worse: 'Longer: more records of the key end in the dead-letter topic after the fault is over.',
    }),
  }),
  maxBlocking: duration(0, 604_800_000, 0, {
    what: 'A failed record that has held back the commit of its partition for so long gets no further attempt. 0: as many as `retry.attempts` says.',
    worse: 'Shorter: retries are cut short, so that shorter outages end in the dead-letter topic.',
  }),
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}
