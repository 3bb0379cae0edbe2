/** What the console of a session has beyond that of a process in production: sending records, with made-up values. */
import { type Static, Type } from 'typebox'
import type { TopicDefinition } from '../../../framework/api/topic.ts'
import type { Asked, Endpoint } from '../../../framework/console/http/endpoint.ts'
import { badRequest, notFound } from '../../../framework/console/http/fault.ts'
import type { DevFakeAnswer, DevSendAnswer, DevTopicsAnswer } from '../../../framework/console/protocol-actions.ts'
import type { KafkaConnection } from '../../../framework/kafka/kafka-client.ts'
import { PyrallelError } from '../../../framework/model/errors.ts'
import type { Logger } from '../../../framework/model/logger.ts'
import { isTopicName } from '../../../framework/model/topic-pattern.ts'
import type { ResolvedHandler } from '../../../framework/runtime/runtime.ts'
import { topicsOf } from '../../project/declared-topics.ts'
import { readJson } from '../../records/payload.ts'
import { fakeValue } from '../../send/fake-value.ts'
import { declaredOf, ownKey, recordOf, refuseInvalid, type SendRequest, sendRecord } from '../../send/send-record.ts'
import type { TopicMaker } from '../broker/topic-maker.ts'

const MAX_BODY_BYTES = 1_048_576
const closed = { additionalProperties: false }
const topicName = Type.String({ maxLength: 249 })
const sendBody = Type.Object(
  {
    topic: topicName,
    text: Type.Optional(Type.String()),
    key: Type.Optional(Type.String()),
    headers: Type.Optional(Type.Array(Type.Tuple([Type.String({ minLength: 1 }), Type.String()]), { maxItems: 100 })),
  },
  closed,
)
const fakeBody = Type.Object({ topic: topicName }, closed)

export interface DevEndpointsOptions {
  readonly handlers: () => readonly ResolvedHandler[]
  readonly connection: KafkaConnection
  readonly topics: TopicMaker
  readonly log: Logger
  readonly random: () => number
}

export function devEndpoints(options: DevEndpointsOptions): readonly Endpoint[] {
  return [
    {
      method: 'POST',
      path: '/api/dev/send',
      body: sendBody,
      maxBodyBytes: MAX_BODY_BYTES,
      run: (asked) => explained(() => send(asked, asked.body as Static<typeof sendBody>, options)),
    },
    { method: 'GET', path: '/api/dev/topics', run: () => sendable(options.handlers()) },
    {
      method: 'POST',
      path: '/api/dev/fake',
      body: fakeBody,
      run: (asked) => explained(async () => fake(asked.body as Static<typeof fakeBody>, options)),
    },
  ]
}

async function send(
  { from }: Asked,
  { topic, text = 'null', key, headers = [] }: Static<typeof sendBody>,
  { handlers, connection, topics, log }: DevEndpointsOptions,
): Promise<DevSendAnswer> {
  const definition = topicOf(topic, handlers())
  const written = readJson(text, 'text')
  const request: SendRequest = {
    topic,
    written,
    key,
    headers: headers.map(([name, value]) => [name, Buffer.from(value)] as const),
    count: 1,
    // Without its schema: what a handler does with a value that is wrong is worth a try.
    declared: [withoutSchema(definition)],
  }
  const misfits = await misfitsOf(definition, request)
  await topics.ensure(connection, topic)
  const sent = await sendRecord(await recordOf(request), request, connection)
  log.info({ what: 'action.send', topic, client: from }, 'asked for from the console')
  return { topic, key: sent.key, misfits }
}

function fake({ topic }: Static<typeof fakeBody>, { handlers, random }: DevEndpointsOptions): DevFakeAnswer {
  const definition = topicOf(topic, handlers())
  const { schema } = definition
  if (schema === undefined) throw notFound(`${topic} has no schema, so nothing says what a value looks like.`)
  const value = fakeValue(schema, random, topic)
  return { value, key: ownKey(definition, value), schema }
}

function sendable(handlers: readonly ResolvedHandler[]): DevTopicsAnswer {
  const declared = topicsOf(handlers)
  const read = handlers.map(({ route }) => route.topic).sort()
  const others = declared.map(({ name }) => name).sort()
  const names = [...new Set([...read, ...others])].filter(isTopicName)
  return {
    topics: names.map((topic) => {
      const { format, keyFormat, values } = declaredOf(topic, declared) ?? {}
      const written = format?.schema.format ?? values
      return {
        topic,
        ...(written !== undefined && { format: written }),
        ...(keyFormat !== undefined && { keyFormat: keyFormat.schema.format }),
      }
    }),
  }
}

function topicOf(topic: string, handlers: readonly ResolvedHandler[]): TopicDefinition<unknown> {
  const found = declaredOf(topic, topicsOf(handlers))
  if (found === undefined || !isTopicName(topic)) throw notFound(`No handler reads ${topic}, and none declares it.`)
  return { ...found, name: topic }
}

function withoutSchema({ schema: _, ...topic }: TopicDefinition<unknown>): TopicDefinition<unknown> {
  return topic
}

async function misfitsOf(topic: TopicDefinition<unknown>, { written }: SendRequest): Promise<readonly string[]> {
  try {
    await refuseInvalid(topic, written)
    return []
  } catch (thrown) {
    if (!(thrown instanceof PyrallelError) || thrown.code !== 'PYR_SCHEMA') throw thrown
    return thrown.message
      .split('\n')
      .slice(1)
      .map((line) => line.trim())
  }
}

/** Mistakes of who asked say what they are; whatever else fails is the log's. */
async function explained<Answer>(run: () => Promise<Answer>): Promise<Answer> {
  try {
    return await run()
  } catch (thrown) {
    if (thrown instanceof PyrallelError && thrown.code !== 'PYR_BUG') throw badRequest(thrown.message)
    throw thrown
  }
}
