/** The config's section `http`: every option, described once. Reads nothing. */

import { isIP } from 'node:net'
import { Type } from 'typebox'
import type { HttpSettings } from '../model/settings.ts'
import { duration, flag, integer, section, withDefault, withoutDefault } from './option-schema.ts'

/** Of the console: who sees it, and what. */
const console = section({
  enabled: flag(false, {
    what: 'Answers what waits, where and why, below `/api` at the port of `http`. Counts where `http.enabled` does.',
    worse:
      'With it, who has `http.token` sees what each handler and partition does; beyond 127.0.0.1 it is refused without a token. While somebody reads its stream, a snapshot is made ten times a second.',
  }),
  actions: flag(false, {
    what: 'Lets who may ask the console pause and resume handlers, retry and give up records, and publish dead letters again.',
    worse:
      'With it, everybody who has `http.token` can stop handlers and publish records. Each time is a line in the log.',
  }),
  shownTopics: withDefault(
    Type.Array(Type.String({ pattern: '^[a-zA-Z0-9._-]{1,249}$' }), {
      default: [],
      doc: {
        what: 'Topics whose keys, values and error messages the console, and `/snapshot` beside it, show. Of all others, keys are shown as `#` and 16 digits that are the same for the same key, and values and messages are left out.',
        range: 'a list of names of topics',
        worse: 'Who has `http.token` reads what may be personal. Without any, nobody finds a key by its name.',
      },
    }),
  ),
  instances: withDefault(
    Type.Array(
      Type.String({
        pattern:
          '^([a-zA-Z0-9._-]{1,253}|\\[[0-9a-fA-F:.]{2,45}\\]):([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$',
      }),
      {
        default: [],
        doc: {
          what: 'Other processes whose consoles this one shows, so that a browser asks one only. A name stands for all addresses that DNS has of it; 50 at most. They are asked with `http.token`.',
          range: 'a list of host:port',
          worse: 'Whoever answers there gets `http.token`: name nothing but processes of this application.',
        },
      },
    ),
  ),
})

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
          'At another address than 127.0.0.1, everybody in that network can read keys and offsets, unless there is an `http.token`. In a container, 127.0.0.1 cannot be reached from outside.',
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
  token: withoutDefault(
    Type.String({
      pattern: '^\\S{16,256}$',
      secret: true,
      doc: {
        what: 'Who asks for `/snapshot` or the console must send it: `Authorization: Bearer <token>`. `pyrallel status` does.',
        range: '16 to 256 characters without spaces',
        worse:
          'Without it, whoever reaches the port can read them. A short one, or one that is used elsewhere, can be guessed.',
      },
    }),
  ),
  console,
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

/** What no single option can tell. */
export function consoleMistake({ enabled, host, token, console }: HttpSettings): string | undefined {
  if (!enabled || !console.enabled || token !== undefined || isOfThisMachine(host)) return undefined
  return 'needs an http.token, as http.host is not 127.0.0.1. Set PYRALLEL_HTTP_TOKEN, or PYRALLEL_HTTP_TOKEN_FILE.'
}

function isOfThisMachine(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
