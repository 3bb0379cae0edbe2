/** The config's section `scale`: every option, described once. Reads nothing. */
import { duration, section } from './option-schema.ts'

export const scale = section({
  drainTarget: duration(1_000, 86_400_000, '60s', {
    what: 'The time in which a backlog is to be done: `processesNeeded` of `/scale` counts as many processes as that takes.',
    worse:
      'Shorter: a burst starts more processes, each of which moves partitions. Longer: records wait longer before there are more.',
  }),
})
