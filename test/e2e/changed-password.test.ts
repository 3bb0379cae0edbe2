/** The password of a running member is changed on Apache Kafka: who looks is told, and the member goes on when it is right again. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { quicker } from '../client-under-test.ts'
import { startKafka } from './kafka-harness.ts'
import { changePassword, scramListener } from './kafka-scram.ts'
import { eventually } from './member-process.ts'
import { Scenario } from './scenario.ts'

const external = process.env.PYRALLEL_TEST_BROKERS !== undefined
const user = { username: 'member', password: 'the-first' }
/** A broker ends connections that have not shown their password again for so long. Shorter, a client on a busy machine would come too late with it. */
const SHOWN_AGAIN_MS = 3_000
/** Who is refused waits up to 10 s until he tries again. */
const librdkafka = quicker({ 'reconnect.backoff.max.ms': 500 })

describe('a member whose password is changed while it runs', { skip: external, timeout: 120_000 }, () => {
  it('is not ready by the clock of its commits, stays alive, counts the refusals, and goes on when it is right again', async (t) => {
    const kafka = await startKafka({
      scramUsers: { [user.username]: user.password },
      listeners: { SASL: 'SASL_PLAINTEXT' },
      config: { ...scramListener, 'connections.max.reauth.ms': SHOWN_AGAIN_MS },
    })
    t.after(() => kafka.stop())
    const behaviour = { takesMs: [1, 20] } as const
    const plan = { brokers: kafka.brokersAt('SASL'), user, librdkafka, metrics: true, behaviour }
    const scenario = await Scenario.open(t, kafka, { partitions: 2 }, plan)
    const load = scenario.load(100, 20)
    const member = await scenario.start()
    await scenario.untilShared(2)
    const says = (status: number, what: string) =>
      eventually(
        () => `${what}\n${member.describe()}`,
        async () => (await member.status('/readyz')) === status,
      )
    await says(200, 'it is ready')
    const refusals = () =>
      member.metric(`pyrallel_client_errors_total{group="${scenario.group}",code="SASL_AUTHENTICATION_FAILED"}`)
    assert.equal(await refusals(), 0)

    await changePassword(kafka.brokers, user.username, 'the-second')
    await says(503, 'it is not ready')
    await member.until('it has stopped to start', () => member.events('starts.stopped').length > 0)
    assert.equal(await member.status('/livez'), 200)
    assert.ok((await refusals()) > 0)

    await changePassword(kafka.brokers, user.username, user.password)
    await says(200, 'it is ready again')
    await scenario.untilProgress(100)
    await load.stop()
    const { repeats } = await scenario.finish()
    t.diagnostic(`records that ran again after the refusals: ${repeats}`)
  })
})
