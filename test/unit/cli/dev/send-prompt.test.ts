/** The questions of `s`, over streams in place of a terminal: what is typed ahead, or pasted, answers the questions that come. */
import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, it } from 'node:test'
import type { ReadStream } from 'node:tty'
import { type Answers, SendPrompt } from '../../../../cli/dev/send-prompt.ts'

describe('the questions of a record to send', { timeout: 30_000 }, () => {
  function opened() {
    const [input, output] = [new PassThrough(), new PassThrough()]
    const sent: Answers[] = []
    const prompt = new SendPrompt({
      input: input as unknown as ReadStream,
      output,
      topics: () => ['orders', 'payments'],
      send: async (answers) => void sent.push(answers),
      showError: (error) => assert.fail(String(error)),
    })
    return { input, output, prompt, sent }
  }

  it('are answered by what comes in one go, a line for each', async () => {
    const { input, prompt, sent } = opened()
    const asked = prompt.ask()
    input.write('payments\r{"n":1}\rk1\r')
    await asked
    assert.deepEqual(sent, [{ topic: 'payments', value: '{"n":1}', key: 'k1' }])
  })

  it('offer the first topic, and then the last answers', async () => {
    const { input, output, prompt, sent } = opened()
    for (const typed of ['\r{"n":1}\r\r', '\r\r\r']) {
      const asked = prompt.ask()
      input.write(typed)
      await asked
    }
    assert.deepEqual(sent, [
      { topic: 'orders', value: '{"n":1}', key: '' },
      { topic: 'orders', value: '{"n":1}', key: '' },
    ])
    // Node 26 gives a chunk for each call.
    let shown = ''
    for (let chunk = output.read(); chunk !== null; chunk = output.read()) shown += String(chunk)
    assert.match(shown, /topic \[orders\].*value \(JSON\) \[\{\}\].*value \(JSON\) \[\{"n":1\}\]/s)
  })

  for (const [name, key] of [
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
  ] as const) {
    it(`end at ${name}, with nothing sent`, async () => {
      const { input, prompt, sent } = opened()
      const asked = prompt.ask()
      input.write(`payments\r${key}`)
      await asked
      assert.deepEqual(sent, [])
    })
  }

  it('end with the session, with nothing sent', async () => {
    const { prompt, sent } = opened()
    const asked = prompt.ask()
    prompt.cancel()
    await asked
    assert.deepEqual(sent, [])
  })
})
