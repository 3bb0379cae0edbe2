/** `pyrallel send`: checks a value against its topic's schema, or makes values up from it, produces them, and says where they went. */

import type { TopicDefinition } from '../../framework/api/topic.ts'
import { Closers } from '../../framework/model/closers.ts'
import { PyrallelError } from '../../framework/model/errors.ts'
import type { RecordHeader } from '../../framework/model/record.ts'
import { seededRandom } from '../../framework/runtime/seeded-random.ts'
import { systemClock } from '../../framework/time/clock.ts'
import { type Connect, chooseCluster, connectCluster } from '../cluster/connect.ts'
import { declaredTopics } from '../project/declared-topics.ts'
import { bytesOf, readHeader, readValue } from '../records/payload.ts'
import { fakeValue } from '../send/fake-value.ts'
import { type Sending, sendAll } from '../send/send-all.ts'
import { declaredOf, loadKeys, type Payload, payloadOf, recordWith, refuseUnknown } from '../send/send-record.ts'
import { sentText } from '../send/sent-text.ts'
import { exitCodes } from '../terminal/failure.ts'
import type { Io } from '../terminal/io.ts'

export type { Connect } from '../cluster/connect.ts'

export interface SendOptions {
  readonly key?: string
  readonly header?: readonly string[]
  readonly count: number
  /** Records per second; as fast as they are acknowledged, when absent. */
  readonly rate?: number
  /** Make values up. */
  readonly fake?: boolean
  readonly seed: number
  readonly brokers?: string
  readonly json?: boolean
}

const CHECK_TIMEOUT_MS = 5_000
const CLOSE_TIMEOUT_MS = 5_000

export async function send(
  topicName: string,
  argument: string | undefined,
  options: SendOptions,
  io: Io,
  connect: Connect = connectCluster,
): Promise<number> {
  refuseMixture(argument, options)
  const written = argument === undefined ? undefined : await readValue(argument, io)
  const headers = (options.header ?? []).map(readHeader)
  const { target, project } = await chooseCluster(options.brokers, io)
  const topics = await declaredTopics(io.cwd())
  const declared = declaredOf(topicName, topics)
  const payload = written === undefined ? undefined : await payloadOf(declared, written, headers)
  const makeUp = payload === undefined ? faker(topicName, declared, headers, options.seed) : () => payload
  await loadKeys(declared)
  // One that cannot be made is told before anything is asked of a cluster.
  const first = payload === undefined ? undefined : recordWith(topicName, declared, payload, options.key)
  const connection = await connect(target, project, io)
  await new Closers().around(async (closers) => {
    closers.add('the connection', () => connection.close())
    await connection.check(CHECK_TIMEOUT_MS)
    await refuseUnknown(connection, topicName, topics)
    const producer = await connection.producer()
    closers.add('the producer', () => producer.close(CLOSE_TIMEOUT_MS))
    const sending: Sending = {
      producer,
      count: options.count,
      rate: options.rate,
      clock: systemClock(),
      next: () => first ?? recordWith(topicName, declared, makeUp(), options.key),
    }
    const sent = await sendAll(sending)
    io.stdout.write(
      sentText({ ...sent, topic: topicName, broker: connection.description, from: target.from }, options, io),
    )
  })
  return exitCodes.fine
}

function refuseMixture(argument: string | undefined, { fake }: SendOptions): void {
  if (argument === undefined && fake !== true) {
    throw new PyrallelError(
      'PYR_USAGE',
      "missing required argument 'value': write JSON, @file or -, or let --fake make it up",
    )
  }
  if (argument !== undefined && fake === true) {
    throw new PyrallelError(
      'PYR_USAGE',
      '--fake makes the value up, and a value is written too. Leave one of them out.',
    )
  }
}

function faker(
  name: string,
  declared: TopicDefinition<unknown> | undefined,
  headers: readonly RecordHeader[],
  seed: number,
): () => Payload {
  const schema = declared?.schema
  if (declared?.format !== undefined) {
    const { subject } = declared.format.schema
    throw new PyrallelError(
      'PYR_USAGE',
      `--fake makes up JSON, and values of ${name} have schema ${subject} of a registry. Write the value.`,
    )
  }
  if (schema === undefined) {
    throw new PyrallelError(
      'PYR_USAGE',
      `--fake needs the schema of ${name}, and there is none in generated/. Run \`pyrallel generate\`, or write the value.`,
    )
  }
  const random = seededRandom(seed)
  return () => {
    const value = fakeValue(schema, random, name)
    return { value, bytes: bytesOf({ value, text: JSON.stringify(value) }), headers }
  }
}
