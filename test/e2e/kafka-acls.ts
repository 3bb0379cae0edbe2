/** Takes rights away and gives them back, by Kafka's own requests over a socket: the client library has no call for it. Loopback, no security. */
import { byte, int32, request, text } from './kafka-request.ts'
import { eventually } from './member-process.ts'

export interface Rights {
  /** There is one cluster, and it is called `kafka-cluster`. */
  readonly on: 'topic' | 'group' | 'cluster' | 'transactional-id'
  readonly name: string
}

export interface Grant extends Rights {
  readonly operation: keyof typeof operations
}

/** What a broker needs for this: everybody may do everything until something is denied. */
export const aclBrokerConfig = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'allow.everyone.if.no.acl.found': 'true',
} as const

const resourceTypes = { topic: 2, group: 3, cluster: 4, 'transactional-id': 5 } as const
const literal = 3
const operations = { all: 2, read: 3, write: 4, create: 5, describe: 8 } as const
const permissions = { deny: 2, allow: 3 } as const
const everybody = 'User:*'

/** Nobody may read any more; all else stays allowed. */
export async function denyReading(broker: string, rights: Rights): Promise<void> {
  await deny(broker, rights, 'read')
}

/** Nobody may do this any more; all else stays allowed. */
export async function deny(broker: string, { on, name }: Rights, denied: keyof typeof operations): Promise<void> {
  const binding = (operation: number, permission: number) => [
    ...[byte(resourceTypes[on]), text(name), byte(literal), text(everybody), text('*')],
    ...[byte(operation), byte(permission)],
  ]
  // One rule for a resource ends the general permission there, so the rest must be allowed by name.
  const rules = [binding(operations.all, permissions.allow), binding(operations[denied], permissions.deny)]
  await change(broker, createAcls, [int32(rules.length), ...rules.flat()])
  await untilKnown(broker, binding(operations[denied], permissions.deny))
}

/** One operation, for one principal: `User:shop`. Where nobody is allowed anything, that is all that it may do there. */
export async function allow(broker: string, principal: string, granted: readonly Grant[]): Promise<void> {
  const rules = granted.map(({ on, name, operation }) => [
    ...[byte(resourceTypes[on]), text(name), byte(literal), text(principal), text('*')],
    ...[byte(operations[operation]), byte(permissions.allow)],
  ])
  await change(broker, createAcls, [int32(rules.length), ...rules.flat()])
  for (const rule of rules) await untilKnown(broker, rule)
}

/** As it was before. */
export async function allowReading(broker: string, { on, name }: Rights): Promise<void> {
  const any = 1
  const filter = [byte(resourceTypes[on]), text(name), byte(literal), text(null), text(null), byte(any), byte(any)]
  await change(broker, deleteAcls, [int32(1), ...filter])
}

const describeAcls = { key: 29, version: 1 }
const createAcls = { key: 30, version: 1 }
const deleteAcls = { key: 31, version: 1 }

/** @throws Error when the first result in the answer is an error */
async function change(
  broker: string,
  api: { readonly key: number; readonly version: number },
  body: readonly Buffer[],
): Promise<void> {
  // Throttle time, number of results, then the first result's code.
  const code = (await request(broker, api, body)).readInt16BE(8)
  if (code !== 0) throw new Error(`request ${api.key} was refused with code ${code}`)
}

/** The controller has written it; the broker comes to know it a moment later, and lets everything through until then. */
async function untilKnown(broker: string, rule: readonly Buffer[]): Promise<void> {
  await eventually('the broker knows the rule', async () => {
    const answer = await request(broker, describeAcls, rule)
    // Throttle time, code, an absent message, number of resources.
    const code = answer.readInt16BE(4)
    if (code !== 0) throw new Error(`request ${describeAcls.key} was refused with code ${code}`)
    return answer.readInt32BE(8) > 0
  })
}
