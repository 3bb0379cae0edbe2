/** Pause and resume: what the page does to handlers. Each is a line in the log, with who asked. */
import { Type } from 'typebox'
import { PyrallelError } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import { type Asked, type Endpoint, textParam } from './http/endpoint.ts'
import { ApiFault, notFound } from './http/fault.ts'
import type { PausedAnswer } from './protocol-actions.ts'
import type { StreamNote } from './protocol-stream.ts'
import type { WatchedRuntime } from './watched-runtime.ts'

export interface ActionsOptions {
  /** @throws ApiFault while nothing runs */
  readonly runtime: () => WatchedRuntime
  readonly canAct: boolean
  readonly log: Logger
  readonly note: (note: StreamNote) => void
  readonly now: () => number
}

export const nothingBody = Type.Object({}, { additionalProperties: false })

export function handlerActions(options: ActionsOptions): readonly Endpoint[] {
  const endpoint = (verb: 'pause' | 'resume'): Endpoint => ({
    method: 'POST',
    path: `/api/handlers/{handler}/${verb}`,
    body: nothingBody,
    run: (asked) => setPaused(verb, asked, options),
  })
  return [endpoint('pause'), endpoint('resume')]
}

function setPaused(verb: 'pause' | 'resume', asked: Asked, options: ActionsOptions): PausedAnswer {
  requireActions(options)
  const handler = textParam(asked, 'handler')
  const runtime = options.runtime()
  try {
    runtime[verb](handler)
  } catch (thrown) {
    if (thrown instanceof PyrallelError && thrown.code === 'PYR_USAGE') throw notFound(thrown.message)
    throw thrown
  }
  tell(options, `action.${verb}`, { handler, client: asked.from }, `${handler}: ${verb}d from the console`)
  return { paused: runtime.paused }
}

/** @throws ApiFault where the console only shows */
export function requireActions({ canAct }: Pick<ActionsOptions, 'canAct'>): void {
  if (canAct) return
  throw new ApiFault('actions-off', 'This console shows, and changes nothing.', 'Set http.console.actions to true.')
}

/** To the log, and to the pages that are open. */
export function tell(
  { log, note, now }: Pick<ActionsOptions, 'log' | 'note' | 'now'>,
  what: string,
  fields: object,
  text: string,
): void {
  log.info({ what, ...fields }, 'asked for from the console')
  note({ at: now(), level: 'info', kind: what, text, group: null })
}
