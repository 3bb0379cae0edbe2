/** The logger: levels, JSON or lines for people, secrets. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { harmless } from '../../../framework/model/plain-text.ts'
import { createLogger, type LogDestination } from '../../../framework/observability/logger.ts'
import { prettyLine } from '../../../framework/observability/pretty-line.ts'

function sink(isTTY = false): LogDestination & { readonly lines: string[] } {
  const lines: string[] = []
  return { lines, isTTY, isColored: isTTY, write: (text) => lines.push(text) }
}

describe('createLogger', () => {
  it('writes one JSON object per line, with level, time, facts and sentence', () => {
    const out = sink()
    createLogger({ level: 'info', pretty: 'auto' }, out).info({ partitions: ['orders[3]'] }, 'revoke grace is over')
    const line = JSON.parse(out.lines[0] ?? '')
    assert.equal(line.level, 'info')
    assert.equal(line.msg, 'revoke grace is over')
    assert.deepEqual(line.partitions, ['orders[3]'])
    assert.ok(!Number.isNaN(Date.parse(line.time)))
  })

  it('leaves out what is below its level', () => {
    const out = sink()
    const log = createLogger({ level: 'warn', pretty: false }, out)
    log.info({}, 'quiet')
    log.warn({}, 'loud')
    assert.equal(out.lines.length, 1)
    createLogger({ level: 'silent', pretty: false }, out).error({}, 'never')
    assert.equal(out.lines.length, 1)
  })

  it('writes lines for people on a terminal, and JSON elsewhere, unless it is told which', () => {
    const isJson = (pretty: boolean | 'auto', isTTY: boolean) => {
      const out = sink(isTTY)
      createLogger({ level: 'info', pretty }, out).info({ a: 1 }, 'hello')
      return out.lines[0]?.startsWith('{') === true
    }
    assert.equal(isJson('auto', true), false)
    assert.equal(isJson('auto', false), true)
    assert.equal(isJson(true, false), false)
    assert.equal(isJson(false, true), true)
  })
})

describe('what strangers have written', () => {
  const hostile = 'a\u001b[2J\n12:00:01 info  all is well\r\u009b31m\u202egnp.exe'
  const written = (pretty: boolean, isTTY: boolean) => {
    const out = sink(isTTY)
    const log = createLogger({ level: 'info', pretty }, out)
    log.info({ key: hostile, [hostile]: 1 }, hostile)
    log.error({ err: Object.assign(new Error(hostile), { stack: `Error: ${hostile}\n    at f` }) }, 'it failed')
    // The colours are our own.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
    return out.lines.map((line) => line.replaceAll(/\u001b\[\d+m/g, ''))
  }

  for (const [pretty, isTTY] of [
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ] as const) {
    it(`reaches ${isTTY ? 'a terminal' : 'a file'} as ${pretty ? 'lines for people' : 'JSON'} without a character that does something`, () => {
      for (const line of written(pretty, isTTY)) {
        assert.ok(line.endsWith('\n'))
        const seen = line.slice(0, -1).replaceAll('\n', '')
        assert.equal(harmless(seen), seen)
      }
    })
  }

  it('cannot begin a line that looks like one of ours', () => {
    const [first = '', second = ''] = written(true, false)
    for (const line of [first, second]) {
      const own = line.split('\n').filter((each) => /^\d\d:\d\d:\d\d /.test(each))
      assert.equal(own.length, 1, line)
    }
  })

  it('is the same to who parses the JSON', () => {
    const [line = ''] = written(false, false)
    assert.equal(JSON.parse(line).key, hostile)
  })

  it('is cut where it is an error: its message to 2,048 characters, its stack to 8,192', () => {
    const out = sink()
    const long = new Error('m'.repeat(100_000))
    createLogger({ level: 'info', pretty: false }, out).error({ err: long }, 'it failed')
    const { err } = JSON.parse(out.lines[0] ?? '')
    assert.deepEqual([err.message.length, err.stack.length, err.type], [2_048, 8_192, 'Error'])
  })
})

describe('prettyLine', () => {
  it('shows time, level, sentence and facts on one line', () => {
    const line = prettyLine(
      '{"level":"warn","time":"2026-11-23T12:00:01.000Z","msg":"late","topic":"a","ms":5,"why":"two words"}\n',
      false,
    )
    assert.match(line, /^\d\d:\d\d:\d\d warn {2}late {2}topic=a ms=5 why="two words"\n$/)
  })

  it('shows the stack of an error below it', () => {
    const line = prettyLine(
      '{"level":"error","time":"2026-11-23T12:00:01.000Z","msg":"failed","err":{"message":"m","stack":"Error: m\\n  at x"}}\n',
      false,
    )
    assert.match(line, /failed\n {4}Error: m\n {6}at x\n$/)
  })

  it('leaves a line alone that is not JSON', () => {
    assert.equal(prettyLine('plain text\n', false), 'plain text\n')
  })
})
