/** What the client in JavaScript says of brokers that are older or newer than it, or that have the new group protocol switched off. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { connectJavascript } from '../../../../framework/kafka/javascript/client.ts'
import type { Logger } from '../../../../framework/model/logger.ts'
import { compactArray, compactText, int16, int32, noTags } from '../../../e2e/kafka-request.ts'
import { coordinatorHere, type OfferedVersions, scriptedBroker } from './scripted-broker.ts'

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }
const [PRODUCE, FETCH, METADATA, COMMIT, COORDINATOR, VERSIONS, IDENTITY, HEARTBEAT] = [0, 1, 3, 8, 10, 18, 22, 68]
const SHARE_GROUP = 77
const [GROUP_REFUSED, UNSUPPORTED_VERSION] = [30, 35]

const [none, empty] = [compactText(null), compactArray([])]

/** What each release offers of the requests that are used here. */
const kafka28: OfferedVersions = { [PRODUCE]: [0, 9], [FETCH]: [0, 12], [METADATA]: [0, 11], [VERSIONS]: [0, 3] }
const kafka36: OfferedVersions = {
  [PRODUCE]: [0, 9],
  [FETCH]: [0, 15],
  [METADATA]: [0, 12],
  [COMMIT]: [0, 8],
  [COORDINATOR]: [0, 4],
  [VERSIONS]: [0, 3],
  [IDENTITY]: [0, 4],
}
const kafka40: OfferedVersions = {
  [PRODUCE]: [3, 12],
  [FETCH]: [4, 17],
  [METADATA]: [0, 13],
  [COMMIT]: [2, 9],
  [COORDINATOR]: [0, 6],
  [VERSIONS]: [0, 4],
  [IDENTITY]: [0, 5],
  [HEARTBEAT]: [0, 1],
}
const tooNew: OfferedVersions = { ...kafka40, [METADATA]: [20, 22] }

async function connected(t: TestContext, port: number) {
  const connection = await connectJavascript({ brokers: `127.0.0.1:${port}`, clientId: 'test', log: quiet })
  t.after(() => connection.close())
  return connection
}

/** Joins a group, and is polled until that has failed. */
async function endOf(t: TestContext, port: number, options: { readonly instanceId?: string } = {}): Promise<unknown> {
  const connection = await connected(t, port)
  const consumer = await connection.consumer({ group: 'orders', startFrom: 'earliest', ...options })
  const taken = () => assert.fail('it was taken in')
  await consumer.subscribe(['orders'], { onAssigned: taken, async onRevoked() {}, onLost() {} })
  try {
    for (;;) await consumer.poll(10, 20)
  } catch (thrown) {
    return thrown
  } finally {
    await consumer.close()
  }
}

function assertSays(thrown: unknown, code: string, ...sayings: readonly RegExp[]): void {
  assert.ok(thrown instanceof Error && 'code' in thrown, String(thrown))
  assert.equal(thrown.code, code)
  for (const each of sayings) assert.match(thrown.message, each)
}

describe('the client in JavaScript, of the versions that a broker offers', { timeout: 30_000 }, () => {
  it('says of a broker before 4.0 that it is to be updated, to whoever wants a consumer, and asks it for nothing else', async (t) => {
    const { port, asked } = await scriptedBroker(t, kafka28)
    const connection = await connected(t, port)
    const thrown = await connection
      .consumer({ group: 'orders', startFrom: 'earliest' })
      .catch((error: unknown) => error)
    assertSays(thrown, 'PYR_KAFKA', /takes Metadata in versions 0 to 11.*needs version 12/, /Update the brokers/)
    assert.ok(
      asked.every(({ key }) => key === VERSIONS),
      JSON.stringify(asked),
    )
  })

  it('says of a broker before 4.0 that it is to be updated, to whoever produces', async (t) => {
    const { port } = await scriptedBroker(t, kafka28)
    const producer = await (await connected(t, port)).producer()
    const thrown = await producer
      .produce({ topic: 'orders', key: null, value: Buffer.from('x'), headers: [] })
      .catch((error: unknown) => error)
    assertSays(thrown, 'PYR_PRODUCE_FAILED', /takes Metadata in versions 0 to 11/, /Update the brokers/)
    await producer.close(100)
  })

  for (const instanceId of [undefined, 'instance-1']) {
    it(`ends a ${instanceId === undefined ? 'dynamic' : 'static'} member of a broker that has no group protocol of 4.0, with the next step`, async (t) => {
      const { port, asked } = await scriptedBroker(t, kafka36, { [COORDINATOR]: coordinatorHere })
      const thrown = await endOf(t, port, instanceId === undefined ? {} : { instanceId })
      assertSays(thrown, 'PYR_KAFKA', /cannot go on/, /KIP-848/, /Update the brokers/, /groupProtocol: 'classic'/)
      // Nothing was fetched, and nothing committed.
      assert.ok(!asked.some(({ key }) => key === FETCH || key === COMMIT), JSON.stringify(asked))
    })
  }

  it('ends a member of a broker that has the new group protocol switched off, and says how it is switched on', async (t) => {
    const off = () =>
      Buffer.concat([
        int32(0),
        int16(UNSUPPORTED_VERSION),
        Buffer.from([0, 0]),
        int32(0),
        int32(0),
        Buffer.from([0xff, 0]),
      ])
    const { port } = await scriptedBroker(t, kafka40, { [COORDINATOR]: coordinatorHere, [HEARTBEAT]: off })
    const thrown = await endOf(t, port)
    assertSays(thrown, 'PYR_KAFKA', /cannot go on/, /kafka-features\.sh.*group\.version=1/)
  })

  it('says of a broker that takes newer versions only that this client is to be updated, not the broker', async (t) => {
    const { port } = await scriptedBroker(t, tooNew)
    const thrown = await (await connected(t, port)).check(1_500).catch((error: unknown) => error)
    assertSays(thrown, 'PYR_KAFKA', /takes Metadata in versions 20 to 22/, /Update Pyrallel/)
    assert.doesNotMatch(String(thrown), /Update the brokers/)
  })

  it('says what a broker offers that does not even take the question for its versions', async (t) => {
    // As KIP-511 has it: in the format of version 0, with what the broker takes of this request.
    const refusal = () => Buffer.concat([int16(UNSUPPORTED_VERSION), int32(1), int16(VERSIONS), int16(5), int16(9)])
    const { port, asked } = await scriptedBroker(t, tooNew, { [VERSIONS]: refusal })
    const thrown = await (await connected(t, port)).check(1_500).catch((error: unknown) => error)
    assertSays(thrown, 'PYR_KAFKA', /takes ApiVersions in versions 5 to 9/, /Update Pyrallel/)
    assert.equal(asked.length, 1)
  })

  it('knows of no share group where brokers have none, and asks them for nothing that they do not know', async (t) => {
    const { port, asked } = await scriptedBroker(t, kafka40, { [COORDINATOR]: coordinatorHere })
    assert.equal(await (await connected(t, port)).view.shareGroup?.('scores'), undefined)
    assert.ok(asked.some(({ key }) => key === COORDINATOR) && asked.every(({ key }) => key !== SHARE_GROUP))
  })

  const kafka41 = { ...kafka40, [SHARE_GROUP]: [1, 1] } as const
  const refusedWith = (code: number) => () => {
    // A message, the name, a state, two epochs, an assignor, members, rights.
    const facts = [none, compactText('scores'), compactText(''), int32(0), int32(0), compactText(''), empty, int32(0)]
    return Buffer.concat([int32(0), compactArray([Buffer.concat([int16(code), ...facts, noTags])]), noTags])
  }

  it('knows of no share group where brokers have them switched off', async (t) => {
    const answers = { [COORDINATOR]: coordinatorHere, [SHARE_GROUP]: refusedWith(UNSUPPORTED_VERSION) }
    const { port, asked } = await scriptedBroker(t, kafka41, answers)
    assert.equal(await (await connected(t, port)).view.shareGroup?.('scores'), undefined)
    assert.ok(asked.some(({ key }) => key === SHARE_GROUP))
  })

  it('says that it may not look at a share group', async (t) => {
    const answers = { [COORDINATOR]: coordinatorHere, [SHARE_GROUP]: refusedWith(GROUP_REFUSED) }
    const { port } = await scriptedBroker(t, kafka41, answers)
    const thrown = await (await connected(t, port)).view.shareGroup?.('scores').catch((error: unknown) => error)
    assertSays(thrown, 'PYR_KAFKA', /Whether scores is a share group could not be read.*group authorization failed/)
  })
})
