/** The options of `engine: 'worker'`, described once. Starts no thread. */
import { Type } from 'typebox'
import { section, withoutDefault } from './option-schema.ts'

/** What a thread may use. Node's own limits where nothing is said. */
function mebibytes(what: string) {
  return withoutDefault(
    Type.Integer({
      minimum: 1,
      maximum: 65_536,
      doc: {
        what,
        range: 'a whole number of MiB from 1 to 65,536',
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
    maxOldGenerationSizeMb: mebibytes('The heap of each thread.'),
    maxYoungGenerationSizeMb: mebibytes('The part of the heap for objects that live shortly.'),
    stackSizeMb: mebibytes('The stack of each thread.'),
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
