/** What becomes of a verb whose output nobody reads any more. */
import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, it } from 'node:test'
import { main } from '../../../../cli/main.ts'
import { closableOutput, isOutputClosed, OutputClosed } from '../../../../cli/terminal/closable-output.ts'
import { failuresOf } from '../../../../cli/terminal/failure.ts'
import { Closers } from '../../../../framework/model/closers.ts'
import { emptyFolder, testIo } from '../test-io.ts'

class Pipe extends EventEmitter {
  readonly written: string[] = []

  write(text: string): void {
    this.written.push(text)
  }

  fail(code: string): void {
    this.emit('error', Object.assign(new Error(`write ${code}`), { code }))
  }
}

describe('output whose reader has left', () => {
  it('asks what runs to stop, once, and takes its last words without passing them on', () => {
    const pipe = new Pipe()
    let asked = 0
    const output = closableOutput(pipe, () => {
      asked += 1
      return true
    })
    output.write('a')
    pipe.fail('EPIPE')
    pipe.fail('EIO')
    output.write('b')
    assert.deepEqual([pipe.written, asked], [['a'], 1])
  })

  it('ends what does not listen to signals at its next write', () => {
    const pipe = new Pipe()
    const output = closableOutput(pipe, () => false)
    pipe.fail('EPIPE')
    assert.throws(() => output.write('b'), OutputClosed)
  })

  it('leaves every other error as it is', () => {
    const pipe = new Pipe()
    closableOutput(pipe, () => true)
    assert.throws(() => pipe.fail('ENOSPC'), { code: 'ENOSPC' })
  })

  it('is no failure of the verb', async () => {
    const io = {
      ...testIo(emptyFolder()),
      stdout: {
        write: () => {
          throw new OutputClosed()
        },
      },
    }
    assert.equal(await main(['docs', 'PYR_USAGE'], io), 0)
    assert.equal(io.err(), '')
  })

  it('is no failure either where what the verb closes has written', async () => {
    const ended = new Closers().around(async (closers) => {
      closers.add('the view', () => Promise.reject(new OutputClosed()))
      throw new OutputClosed()
    })
    const failures = failuresOf(await ended.catch((error) => error))
    assert.deepEqual(failures.map(isOutputClosed), [true, true])
    assert.equal(isOutputClosed(new Error('another')), false)
  })
})
