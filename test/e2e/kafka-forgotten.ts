/** A test process that starts a broker, tells where, and never stops it: kafka-harness.test.ts kills it. */
import { startKafka } from './kafka-harness.ts'

const { directory, supervisorPid } = await startKafka()
console.log(JSON.stringify({ directory, supervisorPid }))
setInterval(() => {}, 60_000)
