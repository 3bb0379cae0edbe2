/** Takes an event stream apart as it arrives: in pieces that end anywhere, in the middle of a line too. (HTML standard, section 9.2.) */

export interface StreamEvent {
  readonly event: string
  readonly data: string
  readonly id: string
}

export class EventStreamParser {
  #rest = ''
  #event = ''
  #data: string[] = []
  #id = ''

  /** The events that are complete with this piece. */
  add(piece: string): readonly StreamEvent[] {
    const text = this.#rest + piece
    // A carriage return at the end may be half of a line break.
    const end = text.endsWith('\r') ? text.length - 1 : text.length
    const lines = text.slice(0, end).split(/\r\n|\n|\r/)
    this.#rest = (lines.pop() ?? '') + text.slice(end)
    const events: StreamEvent[] = []
    for (const line of lines) {
      if (line !== '') this.#field(line)
      else if (this.#data.length > 0) {
        events.push({ event: this.#event || 'message', data: this.#data.join('\n'), id: this.#id })
        this.#data = []
        this.#event = ''
      }
    }
    return events
  }

  #field(line: string): void {
    const colon = line.indexOf(':')
    if (colon === 0) return
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (name === 'data') this.#data.push(value)
    else if (name === 'event') this.#event = value
    else if (name === 'id') this.#id = value
  }
}
