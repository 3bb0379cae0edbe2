// biome-ignore-all lint/suspicious/noTemplateCurlyInString: shell scripts.
/** `pyrallel docs` and `pyrallel completion`: what explains the command. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { Argument, Command, Option } from 'commander'
import { describeCommand } from '../../../../cli/completion/describe.ts'
import { completionScript, type Shell, shells } from '../../../../cli/completion/scripts.ts'
import { errorDocs } from '../../../../cli/diagnostics/error-docs.ts'
import { main } from '../../../../cli/main.ts'
import { wrap } from '../../../../cli/terminal/wrap.ts'
import { errorCodes } from '../../../../framework/model/errors.ts'
import { emptyFolder, testIo } from '../test-io.ts'

async function run(...argv: readonly string[]) {
  const io = testIo(emptyFolder())
  const code = await main(argv, io)
  return { code, out: io.out(), err: io.err() }
}

describe('pyrallel docs', () => {
  it('has a cause and a fix for every error code, and for nothing else', () => {
    assert.deepEqual(Object.keys(errorDocs).sort(), Object.keys(errorCodes).sort())
    for (const [code, { cause, fix }] of Object.entries(errorDocs)) {
      assert.match(cause, /^\S.{30,}\.$/, code)
      assert.match(fix, /^\S.{10,}[.)]$/, code)
    }
  })

  it('explains one, however it is written', async () => {
    for (const asked of ['PYR_SCHEMA', 'pyr_schema', 'schema', 'pyr-schema']) {
      const { code, out } = await run('docs', asked)
      assert.equal(code, 0)
      assert.match(
        out,
        /^PYR_SCHEMA\n {2}A value does not satisfy the schema[\s\S]*\nWhy\n {2}\S[\s\S]*\nWhat to do\n {2}\S/,
      )
      for (const line of out.split('\n')) assert.ok(line.length <= 100, line)
    }
  })

  it('lists them all when none is asked for', async () => {
    const { out } = await run('docs')
    for (const [code, when] of Object.entries(errorCodes)) assert.ok(out.includes(code) && out.includes(when), code)
  })

  it('says which one was probably meant', async () => {
    const { code, err } = await run('docs', 'PYR_SCHEMAS')
    assert.equal(code, 2)
    assert.match(err, /There is no error code PYR_SCHEMAS\. Did you mean "PYR_SCHEMA"\?/)
  })

  it('prints JSON with --json', async () => {
    const one = JSON.parse((await run('docs', 'PYR_BUG', '--json')).out)
    assert.deepEqual(Object.keys(one), ['code', 'when', 'cause', 'fix'])
    assert.equal(JSON.parse((await run('docs', '--json')).out).length, Object.keys(errorCodes).length)
  })
})

describe('a wrapped text', () => {
  it('breaks at spaces, and leaves a long word whole', () => {
    assert.equal(wrap('one two three', 9, '  '), '  one two\n  three')
    assert.equal(wrap('a very-long-word b', 8, ''), 'a\nvery-long-word\nb')
  })
})

describe('pyrallel completion', () => {
  for (const shell of shells) {
    it(`prints a script for ${shell} with every verb and its options`, async () => {
      const { code, out } = await run('completion', shell)
      assert.equal(code, 0)
      for (const verb of ['init', 'dev', 'build', 'start', 'generate', 'send', 'doctor', 'topics', 'inspect', 'docs']) {
        assert.match(out, new RegExp(`\\b${verb}\\b`), verb)
      }
      assert.match(out, shell === 'fish' ? /-l traffic\b/ : /--traffic\b/)
      assert.match(out, /minimal orders worker/)
    })
  }

  it('refuses a shell that it does not know', async () => {
    const { code, err } = await run('completion', 'csh')
    assert.equal(code, 2)
    assert.match(err, /'csh' is invalid.*bash, zsh, fish/)
  })

  const program = new Command('pyrallel')
  program
    .command('init')
    .addOption(new Option('--template <name>', "it's [one]: of these").choices(['a', 'b']))
    .option('-y, --yes', 'ask nothing')
  program.command('completion').addArgument(new Argument('<shell>').choices(['bash', 'zsh']))
  program.command('inspect').command('offsets').option('--topic <name>', 'of this topic')
  const script = (shell: Shell) => completionScript(shell, describeCommand(program))
  /** Scripts that print what the shell would offer, a word a line. */
  const asked: Readonly<Record<Shell, (line: string) => string>> = {
    bash: (line) => {
      const words = ['pyrallel', ...line.split(' ')]
      const set = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}`
      return `${script('bash')}\n${set}; _pyrallel; printf '%s\\n' "\${COMPREPLY[@]}"`
    },
    // Without a terminal, zsh's own completion functions cannot run: these print what they are given.
    zsh: (line) => {
      const words = ['pyrallel', ...line.split(' ')]
      const given = [
        'compdef() { }',
        '_describe() { for each in "${(@P)2}"; do print -r -- "${each%%:*}"; done }',
        'previous() { print -r -- "$words[CURRENT-1]" }',
        '_arguments() { for each in "$@"; do print -r -- "${each%%[\\[:]*}"; if [[ $each == *":value:("* && ( $each == "$(previous)["* || $each == 1:* ) ]]; then print -l -- ${(s. .)${${each##*\\(}%\\)}}; fi; done }',
      ]
      const set = `words=(${words.map((word) => `'${word}'`).join(' ')}); CURRENT=${words.length}`
      return `${given.join('\n')}\n${script('zsh')}\n${set}; _pyrallel`
    },
    fish: (line) => `${script('fish')}\ncomplete -C 'pyrallel ${line}' | string replace -r '\\t.*' ''; true`,
  }

  const lines = [
    ['in', ['init', 'inspect']],
    ['init --', ['--template', '--yes', '--help']],
    ['init --template ', ['a', 'b']],
    ['completion z', ['zsh']],
    ['inspect o', ['offsets']],
    ['inspect offsets --t', ['--topic']],
  ] as const

  for (const shell of shells) {
    const skip =
      spawnSync(shell, ['--version'], { timeout: 30_000 }).status === 0 ? false : `there is no ${shell} on this machine`
    for (const [line, expected] of lines) {
      it(`completes in ${shell}: pyrallel ${line}`, { skip }, () => {
        const { status, stdout, stderr } = spawnSync(shell, ['-c', asked[shell](line)], {
          encoding: 'utf8',
          timeout: 30_000,
        })
        assert.equal(status, 0, stderr)
        assert.equal(stderr, '')
        const given = stdout.split('\n').filter((word) => word !== '' && word !== '*')
        // zsh hands the whole list to its own functions, which choose.
        const word = line.slice(line.lastIndexOf(' ') + 1)
        const fitting = given.filter((each) => each.startsWith(word) && (word !== '' || !each.startsWith('-')))
        assert.deepEqual([...new Set(fitting)].sort(), [...expected].sort())
      })
    }
  }

  it('quotes what descriptions have in them', () => {
    assert.match(
      completionScript('zsh', describeCommand(program)),
      /'--template\[it'\\''s \\\[one\\\]\\: of these\]:value:\(a b\)'/,
    )
    assert.match(
      completionScript('fish', describeCommand(program)),
      /-l template -x -a 'a b' -d 'it'\\''s \[one\]: of these'/,
    )
  })
})
