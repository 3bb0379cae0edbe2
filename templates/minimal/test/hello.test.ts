import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runAttempt } from 'pyrallel/testing'
import hello from '../handlers/hello.ts'

test('a greeting is answered', async () => {
  const { outcome, logged } = await runAttempt(hello, { value: { name: 'Ada' } })
  assert.equal(outcome, 'done')
  assert.deepEqual(logged, [{ level: 'info', fields: { name: 'Ada' }, message: 'hello' }])
})
