/** A broker that a test writes: on a port of its own, with the answers that the test gives it, and every request that it was asked. */
import { createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { compactText, int16, int32 } from '../../../e2e/kafka-request.ts'

/** What a broker offers of each request, by its key: its lowest and its highest version. */
export type OfferedVersions = Readonly<Record<number, readonly [lowest: number, highest: number]>>

export interface Asked {
  readonly key: number
  readonly version: number
}

export interface ScriptedBroker {
  readonly port: number
  readonly asked: readonly Asked[]
}

/** The body of an answer, behind its header. */
export type Answer = (port: number) => Buffer

const API_VERSIONS = 18
const METADATA = 3

/** Requests without an answer of their own are never answered. */
export async function scriptedBroker(
  t: TestContext,
  versions: OfferedVersions,
  answers: Readonly<Record<number, Answer>> = {},
): Promise<ScriptedBroker> {
  const asked: Asked[] = []
  const sockets = new Set<Socket>()
  const table: Readonly<Record<number, Answer>> = {
    [API_VERSIONS]: () => offer(versions),
    [METADATA]: clusterOfOne,
    ...answers,
  }
  let port = 0
  const server = createServer((socket) => {
    sockets.add(socket)
    let bytes = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('data', (part) => {
      bytes = Buffer.concat([bytes, part])
      for (; bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0); bytes = bytes.subarray(lengthOf(bytes))) {
        const [key, version, correlation] = [bytes.readInt16BE(4), bytes.readInt16BE(6), bytes.subarray(8, 12)]
        asked.push({ key, version })
        const body = table[key]?.(port)
        // No tags in the header of an answer: that of ApiVersions never has any (KIP-511).
        if (body !== undefined)
          socket.write(framed(correlation, key === API_VERSIONS ? body : Buffer.concat([noTags, body])))
      }
    })
  })
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  port = typeof address === 'object' && address !== null ? address.port : 0
  return { port, asked }
}

const lengthOf = (bytes: Buffer) => 4 + bytes.readInt32BE(0)

function framed(correlation: Buffer, body: Buffer): Buffer {
  return Buffer.concat([int32(correlation.length + body.length), correlation, body])
}

const noTags = Buffer.from([0])
const noError = Buffer.from([0, 0])

/** As ApiVersions v2 tells it. */
function offer(versions: OfferedVersions): Buffer {
  const ranges = Object.entries(versions).map(([key, [lowest, highest]]) =>
    Buffer.concat([int16(Number(key)), int16(lowest), int16(highest)]),
  )
  return Buffer.concat([noError, int32(ranges.length), ...ranges, int32(0)])
}

/** Metadata v12 of this broker alone, and no topic. */
function clusterOfOne(port: number): Buffer {
  const broker = Buffer.concat([int32(1), compactText('127.0.0.1'), int32(port), noTags, noTags])
  // Throttle time, one broker, no cluster id, its controller, no topic.
  return Buffer.concat([int32(0), Buffer.from([2]), broker, noTags, int32(1), Buffer.from([1]), noTags])
}

/** FindCoordinator v3: this broker. */
export function coordinatorHere(port: number): Buffer {
  return Buffer.concat([int32(0), noError, noTags, int32(1), compactText('127.0.0.1'), int32(port), noTags])
}
