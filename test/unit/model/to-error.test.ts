/** Anything that was thrown becomes an error. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { toError } from '../../../framework/model/errors.ts'

it('makes an error of a thrown value, and shows what stands under names of secrets in none', () => {
  const error = new Error('as it is')
  assert.equal(toError(error), error)
  assert.equal(toError('a text').message, 'a text')
  assert.equal(toError(undefined).message, 'thrown value: undefined')
  const thrown = { code: 7, clientSecret: 'hunter2', headers: [{ Authorization: 'hunter2', accept: '*' }] }
  const shown = '{"code":7,"clientSecret":"(hidden)","headers":[{"Authorization":"(hidden)","accept":"*"}]}'
  assert.equal(toError(thrown).message, `thrown value: ${shown}`)
  const circular: Record<string, unknown> = {}
  circular.self = circular
  assert.equal(toError(circular).message, 'thrown value that cannot be shown')
})
