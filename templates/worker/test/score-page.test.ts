import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runAttempt } from 'pyrallel/testing'
import { scoreOf } from '../handlers/_score.ts'
import scorePage from '../handlers/score-page.ts'

test('a page is scored, and the score published under its address', async () => {
  const page = { url: 'https://example.com', text: 'three little words' }
  const { outcome, published } = await runAttempt(scorePage, { value: page })
  assert.equal(outcome, 'done')
  assert.deepEqual(published, [
    { topic: 'pages.scored', key: page.url, value: { url: page.url, ...scoreOf(page.text) }, headers: {} },
  ])
})

test('the same text has the same score, between 0 and 1', () => {
  const { words, score } = scoreOf('the  same')
  assert.equal(words, 2)
  assert.equal(scoreOf('the  same').score, score)
  assert.ok(score >= 0 && score <= 1)
})
