/** Stands between a client and one broker, knows what each answer is an answer to, and does harm to those that a test names. Loopback, no security. */
import { connect, createServer, type Server, type Socket } from 'node:net'

/** By their numbers in the protocol. */
export const requests = {
  Produce: 0,
  Fetch: 1,
  ListOffsets: 2,
  Metadata: 3,
  OffsetCommit: 8,
  OffsetFetch: 9,
  FindCoordinator: 10,
  ApiVersions: 18,
  InitProducerId: 22,
  AddPartitionsToTxn: 24,
  AddOffsetsToTxn: 25,
  EndTxn: 26,
  TxnOffsetCommit: 28,
  ConsumerGroupHeartbeat: 68,
} as const

/**
 * `cut` sends half of the answer and closes the connection, `short` leaves out its second half, and has the length of the first. A function gives what is sent instead, or
 * `undefined` where it leaves this one alone.
 */
export type Harm = 'cut' | 'short' | ((answer: Buffer) => Buffer | undefined)

interface Order {
  readonly key: number
  readonly harm: Harm
  readonly isMeant: (answer: Buffer) => boolean
  left: number
  readonly done: () => void
}

export interface Spoiling {
  /** Settles when it has happened as often as it was asked for. */
  readonly done: Promise<void>
  /** No more of it. */
  end(): void
}

export class BrokerProxy {
  readonly address: string
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #orders: Order[] = []
  #target: string | undefined
  #isSilent = false
  /** By request: answers that wait. */
  readonly #held = new Map<number, (() => void)[]>()
  readonly #lost = new Set<number>()
  #isHttp = false

  private constructor(server: Server, port: number) {
    this.#server = server
    this.address = `127.0.0.1:${port}`
    server.on('connection', (client) => this.#join(client))
  }

  static async open(): Promise<BrokerProxy> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    return new BrokerProxy(server, typeof address === 'object' && address !== null ? address.port : 0)
  }

  /** @param broker `host:port` */
  leadTo(broker: string): void {
    this.#target = broker
  }

  /** The next `times` answers to this request, or of those that are meant. */
  spoil(request: keyof typeof requests, harm: Harm, times = 1, isMeant = (_answer: Buffer) => true): Spoiling {
    let done = () => {}
    const settled = new Promise<void>((resolve) => {
      done = resolve
    })
    const order = { key: requests[request], harm, isMeant, left: times, done }
    this.#orders.push(order)
    return {
      done: settled,
      end: () => {
        this.#orders = this.#orders.filter((each) => each !== order)
      },
    }
  }

  /** Answers to this request wait until the function that it gives is called. */
  hold(request: keyof typeof requests): () => void {
    const answers: (() => void)[] = []
    this.#held.set(requests[request], answers)
    return () => {
      this.#held.delete(requests[request])
      for (const pass of answers) pass()
    }
  }

  /** Requests of this kind do not reach the broker until the function that it gives is called. */
  lose(request: keyof typeof requests): () => void {
    this.#lost.add(requests[request])
    return () => void this.#lost.delete(requests[request])
  }

  /** Connections are taken, and nothing that the broker says passes, until the function that it gives is called. What was said meanwhile is gone. */
  silence(): () => void {
    this.#isSilent = true
    return () => {
      this.#isSilent = false
    }
  }

  /** Ends all connections, and answers new ones as a web server does that finds nobody behind it, until the function that it gives is called. */
  speakHttp(): () => void {
    this.#isHttp = true
    this.#drop()
    return () => {
      this.#isHttp = false
    }
  }

  close(): void {
    this.#drop()
    this.#server.close()
  }

  #drop(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #join(client: Socket): void {
    if (this.#isHttp) {
      client.on('error', () => {})
      client.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n')
      return
    }
    const [host, port] = (this.#target ?? '').split(':')
    const broker = connect(Number(port), host)
    /** Keys of requests by their correlation. */
    const open = new Map<number, number>()
    const both = [client, broker]
    for (const socket of both) {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        for (const each of both) each.destroy()
        this.#sockets.delete(socket)
      })
    }
    readFrames(client, (frame) => {
      const key = frame.readInt16BE(4)
      open.set(frame.readInt32BE(8), key)
      if (!this.#lost.has(key)) broker.write(frame)
    })
    readFrames(broker, (frame) => {
      const correlation = frame.readInt32BE(4)
      const key = open.get(correlation)
      open.delete(correlation)
      const held = key === undefined ? undefined : this.#held.get(key)
      if (held !== undefined) held.push(() => client.write(frame))
      else if (!this.#isSilent) this.#answer(client, key, frame)
    })
  }

  #answer(client: Socket, key: number | undefined, frame: Buffer): void {
    for (const order of this.#orders.filter((each) => each.key === key)) {
      const { harm, isMeant } = order
      if (!isMeant(frame)) continue
      const harmed = harmedBy(harm, frame)
      if (harmed === undefined) continue
      if (harm === 'cut') client.end(harmed)
      else client.write(harmed)
      order.left -= 1
      if (order.left > 0) return
      this.#orders = this.#orders.filter((each) => each !== order)
      order.done()
      return
    }
    client.write(frame)
  }
}

function harmedBy(harm: Harm, frame: Buffer): Buffer | undefined {
  if (harm === 'cut') return frame.subarray(0, frame.length >> 1)
  if (harm === 'short') {
    const half = Buffer.from(frame.subarray(0, frame.length >> 1))
    half.writeInt32BE(half.length - 4)
    return half
  }
  return harm(frame)
}

/** With their lengths in front. */
function readFrames(socket: Socket, take: (frame: Buffer) => void): void {
  let bytes: Buffer = Buffer.alloc(0)
  socket.on('data', (part: Buffer) => {
    bytes = bytes.length === 0 ? part : Buffer.concat([bytes, part])
    for (let length = lengthOf(bytes); length <= bytes.length; length = lengthOf(bytes)) {
      take(bytes.subarray(0, length))
      bytes = bytes.subarray(length)
    }
  })
}

function lengthOf(bytes: Buffer): number {
  return bytes.length < 4 ? Number.POSITIVE_INFINITY : 4 + bytes.readInt32BE(0)
}
