/** The command line: help, mistakes, exit codes, and how errors look. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { main } from '../../../cli/main.ts'
import { errorBlock, errorJson, exitCodeOf } from '../../../cli/terminal/failure.ts'
import { hasColor } from '../../../cli/terminal/io.ts'
import { logOutput } from '../../../cli/terminal/log-output.ts'
import { painter } from '../../../cli/terminal/paint.ts'
import { PyrallelError } from '../../../framework/model/errors.ts'
import { createLogger } from '../../../framework/observability/logger.ts'
import { projectFolder, testIo } from './test-io.ts'

async function run(...argv: readonly string[]) {
  const io = testIo(projectFolder())
  const code = await main(argv, io)
  return { code, out: io.out(), err: io.err() }
}

describe('pyrallel', () => {
  it('prints its version for --version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
    assert.deepEqual(await run('--version'), { code: 0, out: `${version}\n`, err: '' })
  })

  it('shows its verbs when nothing is asked', async () => {
    const { code, out } = await run()
    assert.equal(code, 0)
    for (const verb of ['dev', 'generate', 'send']) assert.match(out, new RegExp(`^ {2}${verb} `, 'm'))
  })

  it('shows examples in the help of every verb, and of those below it', async () => {
    const seen: string[] = []
    const look = async (words: readonly string[]): Promise<void> => {
      const { code, out } = await run(...words, '--help')
      assert.equal(code, 0)
      assert.match(out, /\nExamples:\n {2}\S/, words.join(' '))
      assert.doesNotMatch(out, /default: (\[\]|"")/, words.join(' '))
      seen.push(words.join(' '))
      const [, commands = ''] = /Commands:\n([\s\S]*?)\n\n/.exec(out) ?? []
      for (const [, verb = ''] of commands.matchAll(/^ {2}(\w+) /gm)) await look([...words, verb])
    }
    await look([])
    for (const verb of ['init', 'dev', 'build', 'start', 'inspect offsets', 'dlq replay'])
      assert.ok(seen.includes(verb))
  })

  it('tells the exit codes', async () => {
    assert.match((await run('--help')).out, /Exit codes: 0 fine, 1 failed, 2 .*,\n3 generated\/ is stale/)
  })

  for (const [argv, expected] of [
    [['generat'], /unknown command 'generat'[\s\S]*Did you mean generate\?/],
    [['generate', '--chek'], /unknown option '--chek'[\s\S]*Did you mean --check\?/],
    [['send', 'orders'], /missing required argument 'value'/],
    [['send', 'orders', '{}', '--count', 'many'], /'many' is invalid.*whole number above 0/],
    [['dev', '--records', '0'], /'0' is invalid.*whole number above 0/],
    [['dev', '--broker', 'kafka'], /'kafka' is invalid.*embedded, memory/],
    [['dev', '--broker', 'memory', '--brokers', 'a:1'], /cannot be used with/],
    [['dev', '--brokers', 'a:1;b:2'], /'a:1;b:2' is invalid.*host:port, several with commas/],
    [['doctor', '--brokers', 'a:1 b:2'], /'a:1 b:2' is invalid.*host:port/],
    [['dlq', 'list', 't', '--brokers', 'a'], /'a' is invalid.*host:port/],
    [['send', 't', '1', '--brokers', ''], /'' is invalid.*host:port/],
    [['generate', 'extra'], /too many arguments/],
  ] as const) {
    it(`exits with 2 and says why for: ${argv.join(' ')}`, async () => {
      const { code, out, err } = await run(...argv)
      assert.equal(code, 2)
      assert.match(err, /^✗ PYR_USAGE\n/)
      assert.match(err, expected)
      assert.equal(out, '')
    })
  }

  it('exits with 2 for a value that is no JSON', async () => {
    const { code, err } = await run('send', 'orders', '{')
    assert.equal(code, 2)
    assert.match(err, /PYR_USAGE\n {2}the value is not JSON/)
  })

  it('exits with 1 and says what to write where there is no config', async () => {
    const { code, err } = await run('generate')
    assert.equal(code, 1)
    assert.match(err, /^✗ PYR_CONFIG_LOAD\n {2}There is no pyrallel\.config\.ts in /)
    assert.match(err, /defineConfig\(\{ group: 'my-service' \}\)/)
  })

  it('prints errors as JSON with --json', async () => {
    const { code, err } = await run('generate', '--json')
    assert.equal(code, 1)
    assert.equal(JSON.parse(err).error.code, 'PYR_CONFIG_LOAD')
  })
})

describe('an error', () => {
  const plain = painter(false)

  it('is one block: code, sentences, next step, and no stack', () => {
    const error = new PyrallelError('PYR_GENERATED_STALE', 'one.\ntwo.')
    assert.equal(
      errorBlock(error, plain, false),
      '✗ PYR_GENERATED_STALE\n  one.\n  two.\n  Next: Run `pyrallel generate` and commit generated/.\n',
    )
  })

  it('shows its stack and those behind it only when it is asked for', () => {
    const error = new PyrallelError('PYR_CONFIG_LOAD', 'broken.', { cause: new Error('the cause') })
    assert.ok(!errorBlock(error, plain, false).includes('at '))
    assert.match(errorBlock(error, plain, true), /at [\s\S]*caused by Error: the cause\n/)
  })

  it('an error that is not one of ours is shown with its class, and how to learn more', () => {
    assert.match(
      errorBlock(new TypeError('x is undefined'), plain, false),
      /^✗ TypeError\n {2}x is undefined\n {2}Next: .*DEBUG=1/,
    )
  })

  it('with which something else came is shown first, and decides the exit code', () => {
    const first = new PyrallelError('PYR_USAGE', 'the run.')
    const error = new AggregateError([first, new AggregateError([new Error('the broker could not be closed: no')])])
    assert.equal(
      errorBlock(error, plain, false),
      `${errorBlock(first, plain, false)}✗ Error\n  the broker could not be closed: no\n  Next: Run it again with DEBUG=1 to see where it comes from.\n`,
    )
    assert.equal(exitCodeOf(error), 2)
    assert.deepEqual(JSON.parse(errorJson(error)), {
      error: { code: 'PYR_USAGE', message: 'the run.' },
      others: [{ code: null, message: 'the broker could not be closed: no' }],
    })
    assert.deepEqual(JSON.parse(errorJson(first)), { error: { code: 'PYR_USAGE', message: 'the run.' } })
  })

  it('decides the exit code', () => {
    assert.equal(exitCodeOf(new PyrallelError('PYR_USAGE', '')), 2)
    assert.equal(exitCodeOf(new PyrallelError('PYR_GENERATED_STALE', '')), 3)
    assert.equal(exitCodeOf(new PyrallelError('PYR_BROKER_UNREACHABLE', '')), 1)
    assert.equal(exitCodeOf('thrown text'), 1)
  })
})

describe('colour', () => {
  const terminal = { isTTY: true, write: () => {} }
  const pipe = { write: () => {} }

  it('is for terminals, unless the environment says otherwise', () => {
    assert.equal(hasColor(terminal, {}), true)
    assert.equal(hasColor(pipe, {}), false)
    assert.equal(hasColor(terminal, { NO_COLOR: '1' }), false)
    assert.equal(hasColor(terminal, { NO_COLOR: '' }), true)
    assert.equal(hasColor(pipe, { FORCE_COLOR: '1' }), true)
    assert.equal(hasColor(terminal, { FORCE_COLOR: '0' }), false)
    assert.equal(hasColor(terminal, { FORCE_COLOR: 'false' }), false)
    assert.equal(hasColor(terminal, { TERM: 'dumb' }), false)
    assert.equal(hasColor(terminal, { NO_COLOR: '1', FORCE_COLOR: '1' }), false)
  })

  it('is the same for log lines as for all else', () => {
    const shown = (isTTY: boolean, env: Readonly<Record<string, string>>) => {
      const lines: string[] = []
      const output = logOutput({ isTTY, write: (text) => lines.push(text) }, env)
      createLogger({ level: 'info', pretty: true }, output).info({}, 'hello')
      return lines.join('').includes('\u001b')
    }
    assert.equal(shown(true, {}), true)
    assert.equal(shown(true, { NO_COLOR: '1' }), false)
    assert.equal(shown(true, { TERM: 'dumb' }), false)
    assert.equal(shown(true, { FORCE_COLOR: '0' }), false)
    assert.equal(shown(false, {}), false)
    assert.equal(shown(false, { FORCE_COLOR: '1' }), true)
  })

  it('marks text only when it is wanted', () => {
    assert.equal(painter(false)('red', 'x'), 'x')
    assert.equal(painter(true)('red', 'x'), '\u001b[31mx\u001b[39m')
  })
})
