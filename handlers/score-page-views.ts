/** A handler that computes, many records at a time, on worker threads: the event loop stays free for the handlers that wait. */
import { createHash } from 'node:crypto'
import { batchHandler, DeadLetter } from 'pyrallel'
import { type PageView, pageViews } from './_topics.ts'

/** Stands in for a model: takes some 0.1 ms of a core. */
function score({ path, seconds }: PageView): number {
  let digest = path
  for (let round = 0; round < 50; round++) digest = createHash('sha256').update(`${digest}${seconds}`).digest('hex')
  return Number.parseInt(digest.slice(0, 2), 16) / 255
}

const scores = new Map<string, number>()

/** Once in each thread, before its first record: load a model here, or open a connection. `teardown` is its counterpart. */
export function setup(): void {
  scores.clear()
}

export default batchHandler(
  pageViews,
  // Up to 50 views in one call, but none waits for others for more than 20 ms.
  { engine: 'worker', worker: { threads: 2 }, batch: { size: 50, wait: '20ms' } },
  (batch, context) => {
    for (const record of batch) {
      // One bad record fails by itself; a throw would make the whole batch run again, in halves.
      if (record.value.seconds < 0) batch.fail(record, new DeadLetter('a view cannot last less than nothing'))
      else scores.set(record.value.visitorId, score(record.value))
    }
    context.log.debug({ visitors: scores.size }, 'page views scored')
  },
)
