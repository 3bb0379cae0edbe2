/** `pyrallel dev` on a terminal: its keys, and that the terminal is given back as it was. Runs below `script`, which makes one. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, it } from 'node:test'
import { commandFile } from '../source-package.ts'
import { aProject } from './command-process.ts'
import { noProcesses, processesIn } from './processes-in.ts'

const hasScript = spawnSync('script', ['--version']).status === 0
const limits = { timeout: 300_000, skip: hasScript ? noProcesses : 'there is no `script` on this machine' }
/** Shorter than the time-outs of tests, so that a failure tells what is on the screen instead. */
const SEEN_WITHIN_MS = 40_000
const running = new Set<ChildProcess>()

afterEach(async () => {
  for (const child of [...running]) {
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('close', resolve))
  }
})

const escapeByte = String.fromCharCode(0x1b)
const controls = new RegExp(`${escapeByte}\\[[0-9;?]*[A-Za-z]`, 'g')
const showCursor = `${escapeByte}[?25h`
const config = "import { defineConfig } from 'pyrallel'\nexport default defineConfig({ group: 'shop' })\n"
const hello =
  "import { handler } from 'pyrallel'\nexport default handler('hello', (record, context) => context.publish('seen', record.value))\n"

interface Terminal {
  readonly root: string
  /** Settles with what is on the screen once what came after `from` matches. */
  seen(pattern: RegExp, from?: number): Promise<string>
  press(keys: string): void
  /** As when its window is closed. */
  close(): void
  /** The exit code of dev, and what `stty` said of the terminal before and after. */
  readonly ended: Promise<{
    readonly end: string
    readonly before: string
    readonly after: string
    /** With what moves the cursor. */
    readonly raw: string
  }>
}

/** A session on a terminal of its own; the shell around it tells how the terminal is before and after, and outlives Ctrl-C. */
function aTerminal(handler = hello): Terminal {
  const root = aProject({ 'pyrallel.config.ts': config, 'handlers/hello.ts': handler })
  const dev = `'${process.execPath}' '${commandFile}' dev --broker memory`
  writeFileSync(
    join(root, 'run.sh'),
    `trap : INT\necho "before $(stty -g)"\n${dev}\necho "ended $?"\necho "after $(stty -g)"\n`,
  )
  const { NODE_TEST_CONTEXT: _t, FORCE_COLOR: _f, ...env } = process.env
  const child = spawn('script', ['-qefc', 'sh run.sh', '/dev/null'], { cwd: root, env: { ...env, NO_COLOR: '1' } })
  running.add(child)
  let raw = ''
  let out = ''
  let look = () => {}
  child.stdout.setEncoding('utf8')
  child.stdout.on('data', (chunk: string) => {
    raw += chunk
    out = raw.replaceAll('\r\n', '\n').replaceAll(controls, '')
    look()
  })
  const closed = new Promise<void>((resolve) => {
    child.once('close', () => {
      running.delete(child)
      resolve()
    })
  })
  const line = (name: string) => new RegExp(`^${name} (.*)$`, 'm').exec(out)?.[1] ?? ''
  return {
    root,
    seen: (pattern, from = 0) =>
      new Promise((resolve, reject) => {
        const give = (why: string) => {
          clearTimeout(timer)
          reject(new Error(`${why} ${pattern} was seen\n${out}`))
        }
        const timer = setTimeout(() => give(`${SEEN_WITHIN_MS} ms passed before`), SEEN_WITHIN_MS)
        look = () => {
          if (!pattern.test(out.slice(from))) return
          clearTimeout(timer)
          resolve(out)
        }
        void closed.then(() => give('it ended before'))
        look()
      }),
    press: (keys) => {
      child.stdin.write(keys)
    },
    close: () => {
      child.kill('SIGKILL')
    },
    ended: closed.then(() => ({ end: line('ended'), before: line('before'), after: line('after'), raw })),
  }
}

describe('the keys of pyrallel dev', () => {
  it('send a record, and offer the same answers again', limits, async () => {
    const terminal = aTerminal()
    await terminal.seen(/assigned hello/)
    terminal.press('s')
    await terminal.seen(/topic \[hello\]: $/)
    terminal.press('\r')
    await terminal.seen(/value \(JSON\) \[\{\}\]: $/)
    terminal.press('{"n":1}\r')
    await terminal.seen(/key \(empty: the topic's own\): $/)
    terminal.press('k1\r')
    const out = await terminal.seen(/✓ sent to hello, key k1[\s\S]*✓ hello\[\d\]@0 +k1 +hello .*→ seen/)
    terminal.press('s')
    await terminal.seen(/topic \[hello\]: $/, out.length)
    terminal.press('\r')
    await terminal.seen(/value \(JSON\) \[\{"n":1\}\]: $/, out.length)
    terminal.press('{not json\r')
    await terminal.seen(/own\): $/, out.length)
    terminal.press('\r')
    await terminal.seen(/PYR_USAGE\n {2}the value is not JSON/, out.length)
    terminal.press('q')
    assert.equal((await terminal.ended).end, '0')
  })

  it('give the questions up on Ctrl-C, without ending the session', limits, async () => {
    const terminal = aTerminal()
    await terminal.seen(/assigned hello/)
    terminal.press('s')
    const out = await terminal.seen(/topic \[hello\]: $/)
    terminal.press('\u0003')
    await terminal.seen(/\n/, out.length)
    terminal.press('p')
    await terminal.seen(/‖ paused/, out.length)
    terminal.press('q')
    assert.equal((await terminal.ended).end, '0')
  })

  it('pause and go on, and tell what waits', limits, async () => {
    const terminal = aTerminal()
    await terminal.seen(/assigned hello/)
    terminal.press('p')
    await terminal.seen(/‖ paused: nothing new starts/)
    terminal.press('s')
    await terminal.seen(/topic .*: $/)
    terminal.press('\r')
    await terminal.seen(/value .*: $/)
    terminal.press('1\r')
    await terminal.seen(/key .*: $/)
    terminal.press('\r')
    await terminal.seen(/✓ sent to hello, without a key/)
    for (let from = 0; !/1 ready or behind one/.test((await terminal.seen(/./)).slice(from)); ) {
      from = (await terminal.seen(/./)).length
      terminal.press('?')
      await terminal.seen(/shop {2}assigned, 0 in flight, \d ready or behind one of their key/, from)
    }
    assert.doesNotMatch(await terminal.seen(/./), /✓ hello/)
    terminal.press('p')
    await terminal.seen(/▸ goes on[\s\S]*✓ hello/)
    terminal.press('q')
    await terminal.ended
  })
})

describe('the terminal', () => {
  const given: readonly (readonly [string, (terminal: Terminal) => Promise<void>, string])[] = [
    ['q', async (terminal) => terminal.press('q'), '0'],
    ['Ctrl-C', async (terminal) => terminal.press('\u0003'), '0'],
  ]
  for (const [how, end, code] of given) {
    it(`is as it was, and nothing is left behind, after ${how}`, limits, async () => {
      const terminal = aTerminal()
      await terminal.seen(/assigned hello/)
      await end(terminal)
      const { end: exit, before, after } = await terminal.ended
      assert.equal(exit, code)
      assert.notEqual(before, '')
      assert.equal(after, before)
      assert.deepEqual(processesIn(terminal.root), [])
    })
  }

  it('may be closed: dev stops in order, although nothing can be shown any more', limits, async () => {
    const terminal = aTerminal()
    await terminal.seen(/assigned hello/)
    const devFile = join(terminal.root, '.pyrallel/dev.json')
    assert.ok(existsSync(devFile))
    terminal.close()
    await terminal.ended
    const until = Date.now() + SEEN_WITHIN_MS
    while (processesIn(terminal.root).length > 0) {
      assert.ok(Date.now() < until, 'dev still runs')
      await new Promise((resolve) => setImmediate(resolve))
    }
    // Who dies instead of stopping leaves it.
    assert.equal(existsSync(devFile), false)
  })

  it('is as it was after a second Ctrl-C, which does not wait for the handler', limits, async () => {
    const slow =
      "import { handler } from 'pyrallel'\nexport default handler('hello', () => new Promise((resolve) => setTimeout(resolve, 60_000)))\n"
    const terminal = aTerminal(slow)
    await terminal.seen(/assigned hello/)
    terminal.press('s')
    await terminal.seen(/topic .*: $/)
    terminal.press('\r')
    await terminal.seen(/value .*: $/)
    terminal.press('1\r')
    await terminal.seen(/key .*: $/)
    terminal.press('\r')
    const out = await terminal.seen(/✓ sent to hello/)
    for (let from = out.length; !/1 in flight/.test((await terminal.seen(/./)).slice(from)); ) {
      terminal.press('?')
      from = (await terminal.seen(/\d in flight/, from)).lastIndexOf('shop  ')
    }
    terminal.press('\u0003')
    await terminal.seen(/stopping: what is in flight is finished first/)
    terminal.press('\u0003')
    const { end, before, after } = await terminal.ended
    assert.equal(end, '130')
    assert.equal(after, before)
    assert.deepEqual(processesIn(terminal.root), [])
  })

  it('shows an exception that nobody handles, goes on, and is as it was after the end', limits, async () => {
    const terminal = aTerminal(`${hello}setTimeout(() => { throw new Error('a timer of the user') }, 1_000)\n`)
    await terminal.seen(/assigned hello/)
    const shown = await terminal.seen(/a timer of the user/)
    terminal.press('?')
    await terminal.seen(/\d in flight/, shown.length)
    terminal.press('\u0003')
    const { end, before, after } = await terminal.ended
    assert.equal(end, '0')
    assert.equal(after, before)
  })

  it('is as it was after code of the user has ended the process', limits, async () => {
    const terminal = aTerminal(`${hello}setTimeout(() => process.exit(3), 3_000)\n`)
    const { end, before, after, raw } = await terminal.ended
    assert.equal(end, '3')
    assert.equal(after, before)
    assert.ok(raw.includes(showCursor), 'the cursor is shown')
  })
})
