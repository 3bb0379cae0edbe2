/** Takes rights away and gives them back, by Kafka's own requests over a socket: the client library has no call for it. Loopback, no security. */
import { once } from 'node:events'
import { connect } from 'node:net'

export interface Rights {
  readonly on: 'topic' | 'group'
  readonly name: string
}

/** What a broker needs for this: everybody may do everything until something is denied. */
export const aclBrokerConfig = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'allow.everyone.if.no.acl.found': 'true',
} as const

const resourceTypes = { topic: 2, group: 3 } as const
const literal = 3
const operations = { all: 2, read: 3 } as const
const permissions = { deny: 2, allow: 3 } as const
const everybody = 'User:*'

/** Nobody may read any more; all else stays allowed. */
export async function denyReading(broker: string, { on, name }: Rights): Promise<void> {
  const binding = (operation: number, permission: number) => [
    ...[byte(resourceTypes[on]), text(name), byte(literal), text(everybody), text('*')],
    ...[byte(operation), byte(permission)],
  ]
  // One rule for a resource ends the general permission there, so the rest must be allowed by name.
  const rules = [binding(operations.all, permissions.allow), binding(operations.read, permissions.deny)]
  await request(broker, createAcls, [int32(rules.length), ...rules.flat()])
}

/** As it was before. */
export async function allowReading(broker: string, { on, name }: Rights): Promise<void> {
  const any = 1
  const filter = [byte(resourceTypes[on]), text(name), byte(literal), text(null), text(null), byte(any), byte(any)]
  await request(broker, deleteAcls, [int32(1), ...filter])
}

const createAcls = { key: 30, version: 1 }
const deleteAcls = { key: 31, version: 1 }

function byte(value: number): Buffer {
  return Buffer.from([value])
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function text(value: string | null): Buffer {
  return value === null ? int16(-1) : Buffer.concat([int16(Buffer.byteLength(value)), Buffer.from(value)])
}

/** @throws Error when the first result in the answer is an error */
async function request(
  broker: string,
  api: { readonly key: number; readonly version: number },
  body: readonly Buffer[],
): Promise<void> {
  const [host, port] = broker.split(':')
  const socket = connect(Number(port), host)
  socket.setTimeout(20_000, () => socket.destroy(new Error('the broker does not answer')))
  try {
    await once(socket, 'connect')
    const message = Buffer.concat([int16(api.key), int16(api.version), int32(1), text('acls'), ...body])
    socket.write(Buffer.concat([int32(message.length), message]))
    let answer = Buffer.alloc(0)
    for await (const part of socket) {
      answer = Buffer.concat([answer, part])
      if (answer.length >= 4 && answer.length >= 4 + answer.readInt32BE(0)) break
    }
    // Length, correlation, throttle time, number of results, then the first result's code.
    const code = answer.readInt16BE(16)
    if (code !== 0) throw new Error(`request ${api.key} was refused with code ${code}`)
  } finally {
    socket.destroy()
  }
}
