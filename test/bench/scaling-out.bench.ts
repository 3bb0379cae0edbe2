/**
 * One group with one, two, four and eight processes on the 16 partitions of a real Kafka, and back to one, under a backlog that does not end: what they do together
 * beside what as many times the first one would, how partitions moved, and what ran again: `node --import tsx test/bench/scaling-out.bench.ts [seconds each] [librdkafka|javascript]`.
 * Handlers wait, so that two cores are no limit: slots are. Order per key and that nothing is lost are checked by the books of the end-to-end tests.
 */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startKafka } from '../e2e/kafka-harness.ts'
import type { MemberProcess } from '../e2e/member-process.ts'
import { Scenario } from '../e2e/scenario.ts'

const PARTITIONS = 16
const SLOTS = 20
const TAKES_MS = 50
const KEYS = 5_000
/** Fast starts and moves of partitions are over by then. */
const SETTLE_MS = 3_000
/** What all slots together might do, and half as much again: nobody may run out of work. */
const AHEAD = 1.5

const [seconds, client] = [Number(process.argv[2] ?? '8'), process.argv[3] ?? 'javascript']
if (client !== 'librdkafka' && client !== 'javascript') throw new Error('The client must be librdkafka or javascript.')
if (!(seconds >= 3 && seconds <= 60)) throw new Error('The seconds must be 3 to 60.')

const ends: (() => unknown)[] = []
const bench = { after: (end: () => unknown) => ends.unshift(end), diagnostic() {} } as unknown as TestContext
const kafka = await startKafka()
try {
  const behaviour = { takesMs: [TAKES_MS, TAKES_MS] } as const
  const plan = { client, concurrency: SLOTS, behaviour } as const
  const scenario = await Scenario.open(bench, kafka, { partitions: PARTITIONS }, plan)
  const perMember = (SLOTS * 1_000) / TAKES_MS
  let produced = 0
  const fillFor = async (members: number, forSeconds: number) => {
    const wanted =
      scenario.members.reduce((sum, each) => sum + each.count('end'), 0) + AHEAD * members * perMember * forSeconds
    for (; produced < wanted; produced += 2_000) await scenario.produceMany(2_000, KEYS)
  }
  const rows: { readonly processes: number; readonly perSecond: number; readonly ofLinear: number }[] = []
  for (const processes of [1, 2, 4, 8]) {
    await fillFor(processes, seconds + SETTLE_MS / 500)
    while (scenario.alive.length < processes) await scenario.start()
    await scenario.untilShared(PARTITIONS)
    await sleep(SETTLE_MS)
    const perSecond = await rateOf(scenario.alive, seconds)
    const [first = { perSecond }] = rows
    rows.push({ processes, perSecond, ofLinear: perSecond / (processes * first.perSecond) })
    process.stderr.write(`${processes}: ${Math.round(perSecond).toLocaleString('en')} a second\n`)
  }
  for (const member of scenario.alive.slice(1)) await member.stop()
  const account = await scenario.finish()
  console.log(`${client}, ${PARTITIONS} partitions, ${SLOTS} slots of ${TAKES_MS} ms a process, ${seconds} s each`)
  console.table(
    rows.map(({ processes, perSecond, ofLinear }) => ({
      processes,
      'records a second': Math.round(perSecond),
      'of linear': ofLinear.toFixed(3),
    })),
  )
  const moves = scenario.members.reduce(
    (sum, each) => sum + each.count('assigned') + each.count('revoked') + each.count('lost'),
    0,
  )
  console.log(
    `${account.acknowledged.toLocaleString('en')} records, 0 lost; ${account.repeats} ran again, ${account.leftBehind} left in flight; ${moves} partitions assigned or given up`,
  )
  assert.ok(account.repeats <= account.leftBehind, 'no more ran again than was in flight')
} finally {
  for (const end of ends) await end()
  await kafka.stop()
}

async function rateOf(members: readonly MemberProcess[], forSeconds: number): Promise<number> {
  const done = () => members.reduce((sum, each) => sum + each.count('end'), 0)
  const [from, at] = [done(), performance.now()]
  await sleep(forSeconds * 1_000)
  return ((done() - from) / (performance.now() - at)) * 1_000
}
