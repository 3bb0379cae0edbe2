/** The options of `engine: 'worker'`, described once. Starts no thread. */

import { Type } from 'typebox'
import { groupedDigits } from '../model/grouped-digits.ts'
import { section, withoutDefault } from './option-schema.ts'

/** With less, Node 20 does not even start a thread. */
const MIN_HEAP_MB = 8
/** The machine sets it aside as a whole when the thread is made, and refuses what is too much without saying why. */
const MAX_STACK_MB = 1_024

/** What a thread may use. Node's own limits where nothing is said. */
function mebibytes(what: string, minimum: number, maximum: number) {
  return withoutDefault(
    Type.Integer({
      minimum,
      maximum,
      doc: {
        what,
        range: `a whole number of MiB from ${minimum} to ${groupedDigits(maximum)}`,
        worse:
          'Less: threads are ended that need more, and their records are tried again. More: one handler can take all memory.',
      },
    }),
  )
}

/** For `engine: 'worker'` only. */
export const workerSchema = section({
  threads: withoutDefault(
    Type.Integer({
      minimum: 1,
      maximum: 256,
      doc: {
        what: 'Threads for this handler, in this process. Without it: one for each core.',
        range: 'a whole number from 1 to 256',
        worse: 'More than there are cores: threads wait for each other. Less: cores stay idle.',
      },
    }),
  ),
  resourceLimits: section({
    maxOldGenerationSizeMb: mebibytes(
      'The heap of each thread; one that needs more is ended, and what it ran is tried again. No limit helps where a single array or `Map` grows for ever: V8 ends the whole process then.',
      MIN_HEAP_MB,
      65_536,
    ),
    maxYoungGenerationSizeMb: mebibytes('The part of the heap for objects that live shortly.', 1, 65_536),
    stackSizeMb: mebibytes('The stack of each thread.', 1, MAX_STACK_MB),
  }),
  recycleAfter: withoutDefault(
    Type.Integer({
      minimum: 1,
      maximum: 1_000_000_000,
      doc: {
        what: 'A thread is renewed once it has been given so many records, for handlers that leak. Without it: never.',
        range: 'a whole number from 1 to 1,000,000,000',
        worse: 'Less: more time goes into starting threads and their `setup`.',
      },
    }),
  ),
})
