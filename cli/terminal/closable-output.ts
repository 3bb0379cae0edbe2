/** Output whose reader may leave before the end (`pyrallel dlq list t | head`). Ends the verb in order and says nothing of it: that is how pipes end. */
import type { Output } from './io.ts'

/** A stream of the process. */
export interface OutputStream extends Output {
  on(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown
  on(event: 'resize', listener: () => void): unknown
  off(event: 'resize', listener: () => void): unknown
}

/** What a prompt wants of a terminal beside its writing: to hear of its size. */
export interface ClosableOutput extends Output {
  on(event: 'resize', listener: () => void): unknown
  removeListener(event: 'resize', listener: () => void): unknown
}

/** Thrown by the first `write` after the reader has left. Not a failure: it carries a verb through its own `finally` to its end. */
export class OutputClosed extends Error {
  constructor() {
    super('nobody reads the output any more')
    this.name = 'OutputClosed'
  }
}

/** Also where closing something has written, and could not. */
export function isOutputClosed(thrown: unknown): boolean {
  return thrown instanceof OutputClosed || (thrown instanceof Error && thrown.cause instanceof OutputClosed)
}

/**
 * @param askToStop asks whatever runs until it is told to stop, as a signal would; false when nobody listens. Then the next `write` throws
 * `OutputClosed`, so that a verb that reads on and on ends too.
 */
export function closableOutput(stream: OutputStream, askToStop: () => boolean): ClosableOutput {
  let state: 'open' | 'stopping' | 'closed' = 'open'
  onReaderGone(stream, () => {
    // Once only: the second signal is the one that does not wait.
    if (state === 'open') state = askToStop() ? 'stopping' : 'closed'
  })
  return {
    get isTTY() {
      return stream.isTTY === true
    },
    get columns() {
      return stream.columns
    },
    on: (event, listener) => stream.on(event, listener),
    removeListener: (event, listener) => stream.off(event, listener),
    write: (text) => {
      if (state === 'closed') throw new OutputClosed()
      return state === 'open' ? stream.write(text) : true
    },
  }
}

/** What a pipe, or a terminal, answers whose other end was closed. */
const readerGone: readonly (string | undefined)[] = ['EPIPE', 'EIO']

/** Any other error of the stream stays what it is: nobody has handled it, and the process ends. */
export function onReaderGone(stream: OutputStream, gone: () => void): void {
  stream.on('error', (error) => {
    if (!readerGone.includes(error.code)) throw error
    gone()
  })
}
