/** Writes `generated/asyncapi.json`: AsyncAPI 3 with the Kafka bindings, for catalogues and other teams. Pure and deterministic. */

import { isPatternText } from '../../../framework/model/topic-pattern.ts'
import type { ScannedHandler, ScannedTopic, ScanResult } from '../scan/scan-result.ts'
import { jsonSchema } from '../schema/json-schema.ts'
import { type ForeignFormat, foreignOf, type Payload, type PayloadOf } from './payloads.ts'

const BINDING = '0.5.0'

export function renderAsyncApi(scan: ScanResult, defaultGroup: string, payloadOf: PayloadOf): string {
  const { handlers, topics, definitions } = scan
  const used = topics.filter(({ name }) =>
    handlers.some(({ topic, publishes }) => topic === name || publishes.includes(name)),
  )
  const schemaPath = (name: string) => `#/components/schemas/${name}`
  const document = {
    asyncapi: '3.0.0',
    // The version of the contract is that of the commit it stands in: anything else would go stale with every release.
    info: { title: defaultGroup, version: '0.0.0', description: 'Made by `pyrallel generate`.' },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(
      used.map((topic) => [channelId(topic.name, handlers), channel(topic, handlers, payloadOf)]),
    ),
    operations: Object.fromEntries([
      ...handlers.map((handler) => [receiveId(handler, handlers), receive(handler, scan, defaultGroup, payloadOf)]),
      ...handlers.flatMap(({ id, publishes }) => publishes.map((topic) => [sendId(id, topic), send(topic)])),
    ]),
    components: {
      schemas: Object.fromEntries(definitions.map(({ name, node }) => [name, jsonSchema(node, schemaPath)])),
    },
  }
  return `${JSON.stringify(document, null, 2)}\n`
}

function channel(topic: ScannedTopic, handlers: readonly ScannedHandler[], payloadOf: PayloadOf): object {
  const own = { [VALUE]: message(topic, payloadOf(topic.schema)) }
  const others = handlers
    .filter((handler) => handler.topic === topic.name && messageId(handler, topic, payloadOf) !== VALUE)
    .map((handler) => [messageId(handler, topic, payloadOf), message(topic, payloadOf(handler.schema))])
  const messages = { ...own, ...Object.fromEntries(others) }
  if (!isPatternText(topic.name)) {
    return { address: topic.name, messages, bindings: { kafka: { topic: topic.name, bindingVersion: BINDING } } }
  }
  return {
    // Known when it runs.
    address: null,
    description: `All topics whose names match ${topic.name}, but for dead letters and those of Kafka itself.`,
    messages,
    bindings: { kafka: { bindingVersion: BINDING } },
  }
}

/** That of a topic is its name. A pattern may hold anything, so its channel is called by the first handler that has it: the colon keeps it apart. */
function channelId(topic: string, handlers: readonly ScannedHandler[]): string {
  if (!isPatternText(topic)) return topic
  return `matching:${idText(handlers.find((handler) => handler.topic === topic)?.id ?? '')}`
}

/** The message of the topic itself. A handler that asks for something else has one of its own. */
const VALUE = 'value'

function messageId(handler: ScannedHandler, topic: ScannedTopic, payloadOf: PayloadOf): string {
  const [own, ofTopic] = [payloadOf(handler.schema), payloadOf(topic.schema)].map(({ json, foreign }) => {
    return JSON.stringify(foreign ?? json)
  })
  const isSame = own === ofTopic
  return isSame ? VALUE : `value-of-${idText(handler.id)}`
}

function message(topic: ScannedTopic, { json, foreign }: Payload): object {
  const { name } = topic
  const kafka = { key: keyOf(topic), bindingVersion: BINDING }
  if (foreign !== undefined) {
    const { contentType, framing, protobuf } = foreign
    const what = whereSchema(foreign)
    const version = /^\s*syntax\s*=\s*["']proto([23])["']/m.exec(protobuf?.text ?? '')?.[1]
    const payload = version !== undefined && {
      payload: { schemaFormat: `application/vnd.google.protobuf;version=${version}`, schema: protobuf?.text },
    }
    // For Confluent's byte 0 and id the binding has a word, and for its GUIDs none.
    const encoding = framing === 'id' && { schemaIdPayloadEncoding: 'confluent' }
    const id = { schemaIdLocation: framing === 'header' ? 'header' : 'payload', ...encoding }
    return { name, contentType, description: what, ...payload, bindings: { kafka: { ...kafka, ...id } } }
  }
  const areBytes = json === undefined && topic.areBytes === true
  return {
    name,
    contentType: areBytes ? 'application/octet-stream' : 'application/json',
    ...(json === undefined ? {} : { payload: json }),
    bindings: { kafka },
  }
}

function keyOf({ keySchema }: ScannedTopic): object {
  if (keySchema === undefined) return { type: 'string' }
  const foreign = foreignOf(keySchema)
  const places = {
    id: 'Byte 0 and the id of the schema stand in front of it.',
    guid: 'Byte 1 and the GUID of the schema stand in front of it.',
    header: 'The header __key_schema_id names the schema.',
  }
  return { description: `${foreign.contentType}. ${whereSchema(foreign)} ${places[foreign.framing]}` }
}

function whereSchema({ subject, protobuf }: ForeignFormat): string {
  if (subject === null) return 'A schema registry has its schema.'
  const of = protobuf === undefined ? '' : `, message ${protobuf.message}`
  return `Its schema is ${subject} in the schema registry${of}.`
}

function receive(
  handler: ScannedHandler,
  { handlers, topics }: Pick<ScanResult, 'handlers' | 'topics'>,
  defaultGroup: string,
  payloadOf: PayloadOf,
): object {
  const topic = topics.find(({ name }) => name === handler.topic)
  const id = topic === undefined ? VALUE : messageId(handler, topic, payloadOf)
  return {
    ...operation('receive', channelId(handler.topic, handlers), id),
    bindings: {
      kafka: { groupId: { type: 'string', enum: [handler.group ?? defaultGroup] }, bindingVersion: BINDING },
    },
  }
}

function send(topic: string): object {
  return operation('send', topic, VALUE)
}

function operation(action: 'receive' | 'send', channel: string, messageName: string): object {
  return {
    action,
    channel: { $ref: `#/channels/${channel}` },
    messages: [{ $ref: `#/channels/${channel}/messages/${messageName}` }],
  }
}

/** `a/b` is `a.b`, and `a.b` is `a:b`: no id and no topic has a colon, so what differs stays apart. */
function idText(id: string): string {
  return id.replaceAll('.', ':').replaceAll('/', '.')
}

/** One of several topics has an operation for each of them, as an operation has one channel. The colon keeps them apart from all others. */
function receiveId({ id, topic }: ScannedHandler, handlers: readonly ScannedHandler[]): string {
  const hasSeveral = handlers.filter((each) => each.id === id).length > 1
  return hasSeveral ? `receive:${placeOf(id, topic)}` : `receive.${idText(id)}`
}

function sendId(id: string, topic: string): string {
  return `send.${placeOf(id, topic)}`
}

/** `a` that publishes `b.c`, and `a/b` that publishes `c`, are told apart by the colon of those with a slash. */
function placeOf(id: string, topic: string): string {
  return `${idText(id)}${id.includes('/') ? ':' : '.'}${topic}`
}
