// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the samples are source text.
/** The dev loop as users live it: `pyrallel dev` as a process, files saved beside it, and what is handled and printed. */
import assert from 'node:assert/strict'
import { renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { aProject, command } from './command-process.ts'
import { aLoop, config, one, save, teller, timeout, traffic } from './dev-loops.ts'

describe('a save', () => {
  it('handles the next record with the new code, and the group is not left', timeout, async () => {
    const { root, dev } = await aLoop(one)
    await dev.seen(/✓ first\[\d\]@\d+ .*→ version-1/)
    save(root, 'handlers/one.ts', teller('first', 'version-2'))
    await dev.seen(/⟳ reloaded one \(\d+ ms\)/)
    const out = await dev.seen(/✓ first\[\d\]@\d+ .*→ version-2/)
    assert.doesNotMatch(out, /revoked/)
    dev.signal('SIGINT')
    assert.equal((await dev.ended).end, 0)
  })

  it('is noticed when the editor saves by renaming, and when a file that is imported changes', timeout, async () => {
    const importing = teller('first', 'x')
      .replace("'x'", 'word')
      .replace('\n', "\nimport { word } from '../lib/word.ts'\n")
    const word = (text: string) => `export const word: string = '${text}'\n`
    const { root, dev } = await aLoop({ ...one, 'handlers/one.ts': importing, 'lib/word.ts': word('version-1') })
    save(root, 'lib/word.ts.tmp', word('version-2'))
    renameSync(join(root, 'lib/word.ts.tmp'), join(root, 'lib/word.ts'))
    await dev.seen(/→ version-2/)
    save(root, 'lib/word.ts.tmp', word('version-3'))
    renameSync(join(root, 'lib/word.ts.tmp'), join(root, 'lib/word.ts'))
    await dev.seen(/→ version-3/)
  })

  it('keeps the state of modules that have not changed', timeout, async () => {
    const counting = (mark: string) =>
      `import { handler } from 'pyrallel'\nimport { next } from '../lib/count.ts'\nexport default handler('first', (record, context) => context.publish('${mark}-' + (next() > 1 ? 'goes-on' : 'begins'), 1))\n`
    const { root, dev } = await aLoop({
      ...one,
      'handlers/one.ts': counting('a'),
      'lib/count.ts': 'let count = 0\nexport const next = () => ++count\n',
    })
    await dev.seen(/→ a-goes-on/)
    save(root, 'handlers/one.ts', counting('b'))
    const out = await dev.seen(/→ b-\w+/)
    assert.match(out, /→ b-goes-on/)
  })

  it('with another topic, group or order restarts that group only, and says so', timeout, async () => {
    const { root, dev } = await aLoop({
      ...one,
      'handlers/two.ts': teller('second', 'of-two', "{ group: 'other' }"),
      'handlers/_traffic.ts': traffic('first', 'second', 'third'),
    })
    save(root, 'handlers/one.ts', teller('third', 'of-one'))
    await dev.seen(/⟳ group shop restarted; the other groups noticed nothing\n +one: topic first → third/)
    await dev.seen(/✓ third.*→ of-one/)
    save(root, 'handlers/one.ts', teller('third', 'of-one', "{ ordering: 'unordered' }"))
    await dev.seen(/one: ordering key → unordered/)
    save(root, 'handlers/one.ts', teller('third', 'of-one', "{ group: 'fresh' }"))
    const out = await dev.seen(/one: group shop → fresh, with offsets of its own/)
    assert.match(out, /⟳ group fresh started/)
    assert.doesNotMatch(out, /revoked second/)
  })
})

describe('a save of a handler that runs on threads', () => {
  it('handles the next record with the new code, and the group is not left', timeout, async () => {
    const failing = (word: string) =>
      `import { DeadLetter, handler } from 'pyrallel'\nexport default handler('first', { engine: 'worker', worker: { threads: 1 } }, () => { throw new DeadLetter('${word}') })\n`
    const root = aProject({
      'pyrallel.config.ts': config(),
      'handlers/one.ts': failing('version-1'),
      'handlers/_traffic.ts': traffic('first'),
    })
    const dev = command(root, ['dev', '--broker', 'memory', '--traffic', '--rate', '15'])
    await dev.seen(/✗ first\[\d\]@\d+ .*→ first\.shop\.dlq {2}version-1/)
    save(root, 'handlers/one.ts', failing('version-2'))
    await dev.seen(/⟳ reloaded one/)
    const out = await dev.seen(/→ first\.shop\.dlq {2}version-2/)
    assert.doesNotMatch(out, /revoked/)
  })
})

describe('a pattern that goes back and forth', () => {
  it('is a warning at the start, and after a save that brings another', timeout, async () => {
    const slow = (...names: readonly string[]) =>
      `import { handler } from 'pyrallel'
interface Slow {
${names.map((name) => `  /** @pattern ^\\s*\\s*${name}$ */\n  readonly ${name}?: string\n`).join('')}}
export default handler<Slow>('slow', () => {})
`
    const { root, dev } = await aLoop({ ...one, 'handlers/slow.ts': slow('a') })
    save(root, 'handlers/slow.ts', slow('a', 'b'))
    const out = await dev.seen(/! handlers\/slow\.ts:5:\d+ PYR_PATTERN/)
    assert.equal(out.match(/PYR_PATTERN/g)?.length, 1)
    dev.signal('SIGINT')
    const { end, err } = await dev.ended
    assert.equal(end, 0)
    assert.deepEqual(err.match(/! handlers\/slow\.ts:\d+:\d+ PYR_PATTERN/g)?.length, 1)
  })
})

describe('a mistake', () => {
  it('keeps the last good code, is shown once with one frame, and is told to be corrected', timeout, async () => {
    const { root, dev } = await aLoop(one)
    save(root, 'handlers/one.ts', teller('first', 'version-2').replace('=>', '=> =>'))
    const shown = await dev.seen(/✗ handlers\/one\.ts:\d+:\d+ PYR_\w+ {2}the code before goes on\n[^✓]*> +2 \|[^✓]*\^/)
    assert.equal(shown.match(/ \^+$/gm)?.length, 1)
    const before = shown.length
    await dev.seen(/→ version-1/, before)
    save(root, 'handlers/one.ts', teller('first', 'version-1'))
    await dev.seen(/✓ corrected/)
    save(root, 'handlers/one.ts', teller('first', 'version-3'))
    await dev.seen(/→ version-3/)
  })

  for (const [what, content, message] of [
    [
      'a type that cannot be derived',
      "import { handler } from 'pyrallel'\nexport default handler<Map<string, () => void>>('first', () => {})\n",
      /✗ handlers\/one\.ts:\d+:\d+ PYR_/,
    ],
    ['a file that is no handler', 'export const x = 1\n', /✗ handlers\/one\.ts:\d+:\d+ PYR_HANDLER_EXPORT/],
    ['an id that another handler has', teller('first', 'x', "{ id: 'two' }"), /PYR_HANDLER_DUPLICATE/],
    [
      'an option that does not exist',
      teller('first', 'x', '{ concurency: 2 }'),
      /PYR_HANDLER_OPTION {2}the code before goes on\n.*concurency/,
    ],
    ['an import that leads nowhere', `import '../lib/none.ts'\n${teller('first', 'x')}`, /✗ .*\n[^✓]*none\.ts/],
    [
      'a throw while it is loaded',
      `${teller('first', 'x')}throw new Error('not today')\n`,
      /PYR_HANDLER_EXPORT {2}the code before goes on\n.*not today \(at handlers\/one\.ts:3:\d+\)/,
    ],
  ] as const) {
    it(`is told with the next step, and the other handlers go on: ${what}`, timeout, async () => {
      const { root, dev } = await aLoop({
        ...one,
        'handlers/two.ts': teller('second', 'of-two'),
        'handlers/_traffic.ts': traffic('first', 'second'),
      })
      save(root, 'handlers/one.ts', content)
      const out = await dev.seen(message)
      await dev.seen(/→ of-two/, out.length)
      save(root, 'handlers/one.ts', teller('first', 'well-again'))
      await dev.seen(/→ well-again/)
    })
  }

  it('is corrected by the file whose absence was the mistake', timeout, async () => {
    const { root, dev } = await aLoop(one)
    save(
      root,
      'handlers/one.ts',
      teller('first', 'x').replace("'x'", 'word').replace('\n', "\nimport { word } from '../lib/word.ts'\n"),
    )
    await dev.seen(/word\.ts/)
    save(root, 'lib/word.ts', "export const word = 'found'\n")
    await dev.seen(/→ found/)
  })
})

describe('handlers that come and go under load', () => {
  interface Line {
    readonly kind: string
    readonly topic?: string
    readonly partition?: number
    readonly offset?: number
  }
  const linesOf = (out: string): readonly Line[] =>
    out
      .slice(0, out.lastIndexOf('\n'))
      .split('\n')
      .map((line) => JSON.parse(line))
  /** `partition/offset` of the records of `first` that are done, in the order of their end. */
  const doneOf = (out: string) =>
    linesOf(out).flatMap(({ kind, topic, partition, offset }) =>
      kind === 'record.done' && topic === 'first' ? [{ partition, offset: offset ?? -1 }] : [],
    )

  it('begin and end alone: nothing else stops, nothing is lost and nothing is done twice', timeout, async () => {
    const files = {
      ...one,
      'handlers/two.ts': teller('second', 'of-two', "{ group: 'other' }"),
      'handlers/_traffic.ts': traffic('first', 'second'),
    }
    const { root, dev } = await aLoop(files, ['--rate', '400', '--json'])
    await dev.seen({ test: (out) => /"handlerId":"one"/.test(out) && /"handlerId":"two"/.test(out) })
    rmSync(join(root, 'handlers/one.ts'))
    await dev.seen(/"kind":"reloaded".*"change":"stopped"/)
    save(root, 'handlers/one.ts', files['handlers/one.ts'])
    const back = await dev.seen(/"kind":"reloaded".*"change":"started"/)
    const reached = Math.max(...doneOf(back).map(({ offset }) => offset))
    // What was produced while it was away is done, too, up to the offset that was reached before and beyond.
    const wanted = reached + 10
    const isWhole = (out: string) =>
      [0, 1, 2, 3].every((number) => {
        const offsets = new Set(doneOf(out).flatMap(({ partition, offset }) => (partition === number ? [offset] : [])))
        return Array.from({ length: wanted }, (_, offset) => offset).every((offset) => offsets.has(offset))
      })
    const all = await dev.seen({ test: (out) => isWhole(out) })
    const done = doneOf(all).map(({ partition, offset }) => `${partition}/${offset}`)
    assert.equal(new Set(done).size, done.length, 'a record was done twice')
    assert.deepEqual(
      linesOf(all).filter(({ kind, topic }) => kind === 'partition.revoked' && topic === 'second'),
      [],
    )
  })
})

describe('the config', () => {
  it('a config that throws keeps what runs, and what it says again counts', timeout, async () => {
    const { root, dev } = await aLoop(one)
    save(root, 'pyrallel.config.ts', "throw new Error('no config today')\n")
    const out = await dev.seen(
      /✗ PYR_CONFIG_LOAD {2}the code before goes on\n +pyrallel\.config\.ts could not be loaded: Error: no config today \(at pyrallel\.config\.ts:1:7\)/,
    )
    await dev.seen(/→ version-1/, out.length)
    save(root, 'pyrallel.config.ts', config('limits: { maxRecords: 500 }'))
    await dev.seen(/⟳ restarted in \d+ ms, as limits\.maxRecords has changed/)
    const after = await dev.seen(/restarted/)
    await dev.seen(/→ version-1/, after.length)
  })

  it('pauses handlers from the start, and what it pauses no more goes on', timeout, async () => {
    const { root, dev } = await aLoop(one)
    save(root, 'pyrallel.config.ts', config("paused: ['one']"))
    const paused = await dev.seen(/⟳ restarted in \d+ ms, as paused has changed/)
    save(root, 'pyrallel.config.ts', config("paused: ['one'], limits: { maxRecords: 500 }"))
    const still = await dev.seen(/as limits\.maxRecords has changed/, paused.length)
    assert.doesNotMatch(still.slice(paused.indexOf('as paused has changed')), /→ version-1/)
    save(root, 'pyrallel.config.ts', config('limits: { maxRecords: 500 }'))
    const resumed = await dev.seen(/as paused has changed/, still.length)
    await dev.seen(/→ version-1/, resumed.length)
  })

  it('reaches the handlers without a restart where it is about handlers', timeout, async () => {
    const { root, dev } = await aLoop(one)
    save(root, 'pyrallel.config.ts', config('handlers: { concurrency: 2 }'))
    assert.doesNotMatch(await dev.seen(/⟳ reloaded one/), /revoked/)
  })

  it('with another group restarts the handlers that name none', timeout, async () => {
    const { root, dev } = await aLoop(one)
    save(root, 'pyrallel.config.ts', config().replace("'shop'", "'market'"))
    const out = await dev.seen(/one: group shop → market/)
    assert.match(out, /⟳ group market started/)
  })

  it('of a file that it imports counts too', timeout, async () => {
    const importing =
      "import { defineConfig } from 'pyrallel'\nimport { maxRecords } from './limits.ts'\nexport default defineConfig({ group: 'shop', limits: { maxRecords } })\n"
    const { root, dev } = await aLoop({
      ...one,
      'pyrallel.config.ts': importing,
      'limits.ts': 'export const maxRecords = 400\n',
    })
    save(root, 'limits.ts', 'export const maxRecords = 300\n')
    await dev.seen(/as limits\.maxRecords has changed/)
  })

  it('of .env files counts: variables of options restart, all others load the handlers anew', timeout, async () => {
    const reading =
      "import { handler } from 'pyrallel'\nconst word = process.env.PYR_TEST_WORD ?? 'nothing'\nexport default handler('first', (record, context) => context.publish(word, 1))\n"
    const { root, dev } = await aLoop({ ...one, 'handlers/one.ts': reading })
    await dev.seen(/→ nothing/)
    save(root, '.env', 'PYR_TEST_WORD=from-env\n')
    await dev.seen(/⟳ the variables of \.env files have changed: all handlers are loaded anew/)
    await dev.seen(/→ from-env/)
    save(root, '.env.local', 'PYR_TEST_WORD=from-local\nPYRALLEL_LIMITS_MAX_RECORDS=300\n')
    await dev.seen(/as limits\.maxRecords has changed/)
    await dev.seen(/→ from-local/)
    rmSync(join(root, '.env.local'))
    const out = await dev.seen(/restarted[\s\S]*restarted/)
    await dev.seen(/→ from-env/, out.length)
  })
})

describe('a folder', () => {
  it('with spaces in its name is as good as any', timeout, async () => {
    // An id has no spaces: where the path has some, the handler says its own.
    const spaced = "{ id: 'one' }"
    const root = aProject({
      'my project/pyrallel.config.ts': config(),
      'my project/package.json': '{ "type": "module" }',
      'my project/handlers/my orders/one handler.ts': teller('first', 'version-1', spaced),
      'my project/handlers/_traffic.ts': traffic('first'),
    })
    const dev = command(join(root, 'my project'), ['dev', '--broker', 'memory', '--traffic', '--rate', '15'])
    await dev.seen(/✓ first/)
    save(root, 'my project/handlers/my orders/one handler.ts', teller('first', 'version-2', spaced))
    await dev.seen(/⟳ reloaded one \(/)
    await dev.seen(/→ version-2/)
  })

  it('a folder that cannot be written to is named, with the next step', timeout, async () => {
    const root = aProject({
      'pyrallel.config.ts': config(),
      'handlers/one.ts': teller('first', 'x'),
      '.pyrallel': 'a file where the folder should be',
    })
    const { end, err } = await command(root, ['dev', '--broker', 'memory']).ended
    assert.equal(end, 1)
    assert.match(err, /✗ PYR_WRITE\n {2}\.pyrallel\/dev\/[^ ]+ cannot be written: E\w+.*Make the folder writable\./)
  })
})
