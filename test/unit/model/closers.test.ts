import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Closers } from '../../../framework/model/closers.ts'
import { PyrallelError } from '../../../framework/model/errors.ts'

const rejected = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => assert.fail('did not reject'),
    (error) => error,
  )

describe('closers', () => {
  it('close in the reverse order, one after the other, and give what the run has given', async () => {
    const closed: string[] = []
    const result = await new Closers().around(async (closers) => {
      closers.add('the first', () => closed.push('first'))
      closers.add('the second', async () => {
        await new Promise((resolve) => setImmediate(resolve))
        closed.push('second')
      })
      return 'result'
    })
    assert.equal(result, 'result')
    assert.deepEqual(closed, ['second', 'first'])
  })

  it('throw the error of the run as it is, and close what was opened before it', async () => {
    const closed: string[] = []
    const error = new Error('the run')
    const thrown = await rejected(
      new Closers().around(async (closers) => {
        closers.add('the first', () => closed.push('first'))
        throw error
      }),
    )
    assert.equal(thrown, error)
    assert.deepEqual(closed, ['first'])
  })

  it('tell the error of the run first, then what could not be closed, by name; and close the rest', async () => {
    const closed: string[] = []
    const ofKafka = new PyrallelError('PYR_KAFKA', 'The client says no.')
    const refused = new Error('no')
    const thrown = await rejected(
      new Closers().around(async (closers) => {
        closers.add('the first', () => closed.push('first'))
        closers.add('the second', () => Promise.reject(refused))
        closers.add('the third', () => {
          throw ofKafka
        })
        closers.add('the fourth', () => closed.push('fourth'))
        throw new Error('the run')
      }),
    )
    assert.ok(thrown instanceof AggregateError)
    assert.deepEqual(closed, ['fourth', 'first'])
    assert.deepEqual(
      thrown.errors.map(({ message }) => message),
      ['the run', 'The client says no.', 'the second could not be closed: no'],
    )
    assert.equal(thrown.errors[1], ofKafka)
    assert.equal(thrown.errors[2].cause, refused)
    assert.match(thrown.message, /^the run\n/)
  })

  it('tell an error once, though two steps end with it', async () => {
    const error = new PyrallelError('PYR_KAFKA', 'The client says no.')
    const thrown = await rejected(
      new Closers().around(async (closers) => {
        closers.add('the first', () => Promise.reject(error))
        closers.add('the second', () => Promise.reject(error))
      }),
    )
    assert.equal(thrown, error)
  })

  it('abandon at once what is not closed yet, the step under way included, and close it all the same', async () => {
    const seen: string[] = []
    const closers = new Closers()
    let go = () => {}
    const ended = closers.around(async () => {
      closers.add(
        'the first',
        () => seen.push('closed first'),
        () => seen.push('first'),
      )
      closers.add(
        'the second',
        () => seen.push('closed second'),
        () => assert.fail('passed over'),
      )
      closers.add(
        'the third',
        () =>
          new Promise<void>((resolve) => {
            go = resolve
          }),
        () => seen.push('third'),
      )
      closers.add(
        'the fourth',
        () => seen.push('closed fourth'),
        () => seen.push('fourth'),
      )
    })
    await new Promise((resolve) => setImmediate(resolve))
    closers.abandon()
    assert.deepEqual(seen, ['closed fourth', 'third', 'first'])
    go()
    await ended
    assert.deepEqual(seen, ['closed fourth', 'third', 'first', 'closed second', 'closed first'])
  })
})
