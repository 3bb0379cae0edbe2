/** The options for records that name their own time. Part of the schema of handlers in framework/config/config.ts; decides nothing. */
import { Type } from 'typebox'
import type { NotBefore } from '../api/handler.ts'
import { duration, withoutDefault } from './option-schema.ts'

export const delays = {
  notBefore: withoutDefault(
    Type.Refine(
      Type.Unsafe<NotBefore>({
        doc: {
          what: 'The time before which a record does not start: in a header, as milliseconds since 1970 or an ISO time with its zone, or told by a function. Until then its key waits, and no slot is taken. Without one it starts at once.',
          range:
            "{ header: 'name' }, or a function of the undecoded record that returns a Date, milliseconds since 1970 or undefined",
          worse:
            'A record that waits holds back the commit of its partition, and stays in memory with all that wait behind it: many, or long, delays fill the limits.',
        },
      }),
      isNotBefore,
    ),
  ),
  maxDelay: duration(1, 604_800_000, '1h', {
    what: 'A record whose time under `notBefore` is further away when its turn comes goes to the dead-letter topic without running.',
    worse: 'Longer: one record can hold back its partition, and what is done above it, for so long.',
  }),
}

function isNotBefore(value: unknown): boolean {
  if (typeof value === 'function') return true
  if (typeof value !== 'object' || value === null || Object.keys(value).join() !== 'header') return false
  const { header } = value as { readonly header: unknown }
  return typeof header === 'string' && header !== ''
}
