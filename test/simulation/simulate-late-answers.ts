/** `node --import tsx test/simulation/simulate-late-answers.ts [--seeds 10000] [--from 1]`: random schedules of answers that the group gives too late. Exit code 1 with the first that fails. */
import { parseArgs } from 'node:util'
import { lateAnswersSeen, runLateAnswers } from './late-answers/play.ts'

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '10000' }, from: { type: 'string', default: '1' } },
})
const [from, count] = [Number(values.from), Number(values.seeds)]
const startedAt = performance.now()
const failure = runLateAnswers(from, count)
if (failure !== undefined) {
  console.error(failure)
  process.exit(1)
}
const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
console.log(`${count} schedules from seed ${from} hold (${seconds} s)`)
console.table(lateAnswersSeen)
