/** The options of what a handler does again and again without a record, described once. Starts nothing. */
import { Type } from 'typebox'
import type { TickContext } from '../api/handler.ts'
import { durationOrNone, oneOf, withoutDefault } from './option-schema.ts'

export const ticks = {
  every: durationOrNone(100, 86_400_000, {
    what: 'How often `tick` runs, from one beginning to the next; no tick begins before the last one has ended.',
    worse: 'Longer: what waits in memory waits longer. Shorter: more runs that find little to do.',
  }),
  everyPer: oneOf(['process', 'partition'], 'process', {
    what: "What a tick is for: 'process', one at a time, in threads one in each; 'partition', one at a time for each partition that is assigned, on the event loop only.",
    worse: "With 'partition', as many run at once as there are partitions.",
  }),
  tick: withoutDefault(
    Type.Refine(
      Type.Unsafe<(context: TickContext) => unknown>({
        doc: {
          what: 'Runs again and again without a record, as often as `every` says: for what waits in memory to be done together.',
          range: 'a function of its context',
          worse: 'While it keeps the event loop busy, no handler there goes on.',
        },
      }),
      (value) => typeof value === 'function',
    ),
  ),
}
