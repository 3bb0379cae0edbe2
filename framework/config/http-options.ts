/** The config's section `http`: every option, described once. Reads nothing. */
import { Type } from 'typebox'
import { duration, flag, integer, section, withDefault } from './option-schema.ts'

export const http = section({
  enabled: flag(false, {
    what: 'Answers operators over HTTP: `/livez`, `/readyz`, `/metrics`, `/scale`, `/snapshot`.',
    worse:
      'Without it, nobody sees lag, gaps or what blocks a partition. With it, whoever reaches the port sees record keys.',
  }),
  host: withDefault(
    Type.String({
      pattern: '^\\S{1,255}$',
      default: '127.0.0.1',
      doc: {
        what: 'The address to listen at.',
        range: "an address of this machine, or '0.0.0.0' for all",
        worse:
          'At another address than 127.0.0.1, everybody in that network can read keys and offsets: there is no password. In a container, 127.0.0.1 cannot be reached from outside.',
      },
    }),
  ),
  port: integer(0, 65_535, 9_464, {
    what: 'The port to listen at; 0 takes any that is free, and the log says which.',
    worse: 'Two processes on one machine cannot have the same one: the second does not start.',
  }),
  names: withDefault(
    Type.Array(Type.String({ pattern: '^[a-zA-Z0-9._-]{1,253}$' }), {
      default: [],
      doc: {
        what: 'Host names under which this process may be asked for `/snapshot`, beside `localhost` and IP addresses.',
        range: 'a list of host names, without port',
        worse:
          "Without any, only connections to a loopback address are guarded: a web page that its author's DNS leads to another address of this machine can read the snapshot. With some, every other name gets 421.",
      },
    }),
  ),
  metrics: flag(true, {
    what: 'Counts for Prometheus, at `/metrics`.',
    worse:
      'Without it, there is no history to draw and nothing to alert on. With it, each scrape costs about as much as a commit of all partitions.',
  }),
  stallAfter: duration(1_000, 3_600_000, '60s', {
    what: 'How long the client may go unpolled before `/readyz` says no.',
    worse:
      'Shorter: a handler that blocks the event loop for a while makes the process unready. Longer: a stall is told later.',
  }),
})
