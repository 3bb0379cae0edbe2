/** The options of batch handlers, described once. */
import { duration, integer, section } from './option-schema.ts'

export const batchSchema = section({
  size: integer(1, 10_000, 100, {
    what: 'The most records of one call of a batch handler.',
    worse: 'More: more is run again when a call fails. Less: more calls.',
  }),
  wait: duration(0, 60_000, '50ms', {
    what: 'How long a record may wait for others, while there are too few for a whole batch.',
    worse: 'Longer: records are done later. Shorter: smaller batches.',
  }),
})
