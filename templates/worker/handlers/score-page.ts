import { handler } from 'pyrallel'
import { pages, scores } from '../topics.ts'
import { scoreOf } from './_score.ts'

// On threads of its own, one for each core, so that the process goes on polling. Pages of one address stay in order.
export default handler(pages, { engine: 'worker', timeout: '10s' }, async (record, context) => {
  const { url, text } = record.value
  const { words, score } = scoreOf(text)
  context.log.info({ url, words }, 'scored')
  await context.publish(scores, { url, words, score })
})
