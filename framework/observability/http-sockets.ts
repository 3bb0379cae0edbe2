/** The sockets of the HTTP server: how many there may be, one request at a time on each, and how long an answer may take. Reads no request. */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export interface SocketLimits {
  readonly maxSockets: number
  /** From the answer's first byte until the client has taken the last. */
  readonly answerMs: number
}

export const socketLimits: SocketLimits = { maxSockets: 64, answerMs: 10_000 }

export class HttpSockets {
  readonly #limits: SocketLimits
  readonly #onCut: (why: string) => void
  /** The one that has been silent for longest first. */
  readonly #silent = new Set<Socket>()
  readonly #asking = new Set<Socket>()

  constructor(limits: SocketLimits, onCut: (why: string) => void) {
    this.#limits = limits
    this.#onCut = onCut
  }

  /** A silent one makes room, so that whoever keeps sockets open and asks nothing shuts nobody out. */
  onConnected(socket: Socket): void {
    if (this.#silent.size + this.#asking.size >= this.#limits.maxSockets) {
      const [longest] = this.#silent
      if (longest === undefined) {
        this.#cut(socket, 'all sockets are being answered')
        return
      }
      this.#silent.delete(longest)
      this.#cut(longest, 'another one needed its place')
    }
    this.#silent.add(socket)
    socket.once('close', () => {
      this.#silent.delete(socket)
      this.#asking.delete(socket)
    })
  }

  /**
   * Call it for each request.
   * @param isEndless its answer has no end: who writes it looks after one that nobody reads
   * @returns false when an answer is on its way on this socket already: answers that nobody reads would pile up, so it is ended
   */
  onAsked(socket: Socket, response: ServerResponse, isEndless = false): boolean {
    if (!this.#silent.delete(socket)) {
      this.#cut(socket, 'it asked before it had its answer')
      return false
    }
    this.#asking.add(socket)
    const cut = () => this.#cut(socket, 'it has not taken its answer in time')
    const timer = isEndless ? undefined : setTimeout(cut, this.#limits.answerMs)
    response.once('close', () => {
      clearTimeout(timer)
      if (this.#asking.delete(socket) && !socket.destroyed) this.#silent.add(socket)
    })
    return true
  }

  #cut(socket: Socket, why: string): void {
    if (socket.destroyed) return
    socket.destroy()
    this.#onCut(why)
  }
}
