/** Options of `kafka` about the wire: how much is fetched at once, and how long is waited. The same for every client, in the words of none. */
import { Type } from 'typebox'
import { duration, durationOrNone, flag, integer, oneOf, section, withoutDefault } from './option-schema.ts'

const mebibyte = 1_048_576
const mostBytes = 512 * mebibyte

export const fetchOptions = section({
  minBytes: integer(1, 100_000_000, 1, {
    what: 'A broker answers a fetch once it has so many bytes of records, or when `fetch.maxWait` is over.',
    worse: 'More: a record waits up to `fetch.maxWait` for others before it is handed out.',
  }),
  maxWait: duration(1, 10_000, '500ms', {
    what: 'How long a broker may hold a fetch that finds less than `fetch.minBytes`. With a `minBytes` of 1 and few partitions, the client in JavaScript asks for a fifth of it: what is assigned meanwhile waits for that.',
    worse: 'Shorter: more requests while nothing comes. Longer: with a `fetch.minBytes` above 1, records wait longer.',
  }),
  maxBytes: withoutDefault(
    Type.Integer({
      minimum: mebibyte,
      maximum: mostBytes,
      doc: {
        what: 'The most bytes of one answer; a record that is larger comes all the same. Without it: 50 MiB with librdkafka, 1 MiB with the client in JavaScript, which asks again sooner.',
        range: 'a whole number from 1,048,576 to 536,870,912',
        worse:
          'More: memory that `limits` does not count, and longer pauses of the event loop. Less: on a line with a long way, less arrives in a second.',
      },
    }),
  ),
  maxBytesPerPartition: withoutDefault(
    Type.Integer({
      minimum: 1_024,
      maximum: mostBytes,
      doc: {
        what: 'The most bytes of one partition in one answer; a record that is larger comes all the same. Without it: 1 MiB. The client in JavaScript divides an answer equally among the partitions first.',
        range: 'a whole number from 1,024 to 536,870,912',
        worse: 'More: one full partition holds up the others. Less: more requests for the same records.',
      },
    }),
  ),
})

export const rack = withoutDefault(
  Type.String({
    pattern: '^[^\\s,]{1,200}$',
    doc: {
      what: "Where this process runs, in the words of the brokers' `broker.rack`: records are read from a replica there, where `replica.selector.class` of the brokers allows it.",
      range: '1 to 200 characters without spaces and commas',
      worse:
        'Set: a replica that is not the leader hands out a record later, up to `fetch.maxWait`. Not set, with brokers in several zones: all records cross between them.',
    },
  }),
)

export const compression = oneOf(['none', 'gzip', 'snappy', 'lz4', 'zstd'], 'none', {
  what: 'How batches of what is produced are compressed: what handlers publish, dead letters, and what `send` sends. A batch that would not be smaller is left as it is. What is read may be compressed in any of these ways.',
  worse:
    "Any but 'none': processor time of producers and of whoever reads; of the client in JavaScript on the main thread, where 'gzip' takes some 20 ms for a batch of a megabyte. 'none': more bytes over the network and on disk.",
})

export const waitOptions = {
  requestTimeout: durationOrNone(1_000, 300_000, {
    what: 'How long a broker may take for an answer before the connection to it counts as broken. Above `fetch.maxWait` by a second at least. Without it: 60 s with librdkafka; 30 s with the client in JavaScript, and 10 s at most for questions about the cluster.',
    worse:
      'Longer: a broker that hangs is noticed later. Shorter: a slow one is left, and asked anew, though it would have answered.',
  }),
  connectTimeout: durationOrNone(1_000, 300_000, {
    what: 'How long a connection to a broker may take, TLS and SASL included. Without it: 30 s with librdkafka, 10 s with the client in JavaScript.',
    worse:
      'Longer: a broker behind a firewall that says nothing is given up later. Shorter: one far away is never reached.',
  }),
  keepAlive: flag(true, {
    what: 'Whether the system looks after connections that say nothing (TCP keep-alive), so that firewalls do not forget them.',
    worse:
      'false: a connection that was forgotten on the way is found out by the next request, after `requestTimeout`.',
  }),
}
