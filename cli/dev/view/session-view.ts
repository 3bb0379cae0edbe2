/** Everything that a session shows: the header, then events and notes, for people or as NDJSON. */
import type { RuntimeEvent } from '../../../framework/model/events.ts'
import type { ResolvedHandler } from '../../../framework/runtime/runtime.ts'
import type { Clock } from '../../../framework/time/clock.ts'
import { version } from '../../project/version.ts'
import { jsonText } from '../../terminal/json-text.ts'
import type { Paint } from '../../terminal/paint.ts'
import type { LoadedApp } from '../app/app-loader.ts'
import type { DevBroker } from '../broker/open-broker.ts'
import type { DevNote } from './dev-note.ts'
import { headerText } from './header.ts'
import { JsonView } from './json-view.ts'
import { TerminalView } from './terminal-view.ts'
import type { View } from './view.ts'

export interface SessionViewOptions {
  readonly write: (text: string) => void
  readonly clock: Clock
  readonly paint: Paint
  readonly isJson: boolean
  /** The project's folder, absolute. */
  readonly root: string
  readonly handlers: readonly ResolvedHandler[]
}

export interface SessionStart {
  readonly broker: DevBroker
  readonly app: LoadedApp
  readonly trafficFile: string | undefined
  readonly isWatching: boolean
  /** The address of the session's own schema registry; undefined: it has none. */
  readonly registry: string | undefined
  /** The address of the console, with its token. */
  readonly console: string | undefined
}

export class SessionView implements View {
  readonly #options: SessionViewOptions
  readonly #view: View

  constructor(options: SessionViewOptions) {
    const { isJson, write, clock, handlers } = options
    this.#options = options
    this.#view = isJson ? new JsonView(write, clock) : new TerminalView({ ...options, widths: widthsOf(handlers) })
  }

  showHeader({ broker, app, trafficFile, isWatching, registry, console }: SessionStart): void {
    const { isJson, write, paint } = this.#options
    const { handlers, generatedMs } = app
    if (isJson) {
      const { kind, address, fallback = null } = broker
      const topics = handlers.map(({ route }) => ({
        handler: route.handlerId,
        topic: route.topic,
        deadLetterTopic: route.deadLetterTopic,
      }))
      const own = registry === undefined ? {} : { registry }
      write(`${jsonText({ kind: 'starting', broker: kind, address, fallback, ...own, handlers: topics })}\n`)
      return
    }
    const facts = {
      version: version(),
      nodeVersion: process.versions.node,
      broker,
      handlers,
      generatedMs,
      isWatching,
      registry,
      namedRegistry: app.project.config.registry.url,
      console,
    }
    write(headerText({ ...facts, traffic: trafficFile }, paint))
  }

  onEvent(event: RuntimeEvent, publishedTo: readonly string[]): void {
    this.#view.onEvent(event, publishedTo)
  }

  onNote(note: DevNote): void {
    this.#view.onNote(note)
  }

  /** For people only. */
  say(text: string): void {
    if (!this.#options.isJson) this.#options.write(`\n  ${text}\n`)
  }

  close(): void {
    this.#view.close()
  }
}

function widthsOf(handlers: readonly ResolvedHandler[]): { readonly place: number; readonly handler: number } {
  return {
    // `topic[9]@12345`
    place: Math.max(...handlers.map(({ route }) => route.topic.length)) + 9,
    handler: Math.max(...handlers.map(({ route }) => route.handlerId.length)),
  }
}
